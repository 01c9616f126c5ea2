"""The step's exit code is the verdict's; `fail-on: never` makes it 0, but never for a step that is wrongly set up."""

import pytest

from automation.action.inputs import FailOn
from automation.action.step_exit import step_exit_code
from automation.exit_codes import Exit, exit_code
from automation.reasons import Reason

SET_UP_WRONGLY = {Reason.BAD_CONFIG, Reason.ARCHIVE_INCOMPLETE}


@pytest.mark.parametrize("reason", Reason)
def test_the_verdict_decides(reason: Reason) -> None:
    assert step_exit_code(reason, FailOn.FAILURE) is exit_code(reason)
    assert (step_exit_code(reason, FailOn.FAILURE) == 0) is (reason is Reason.OK)


@pytest.mark.parametrize("reason", Reason)
def test_the_workflow_goes_on_if_it_wants_to(reason: Reason) -> None:
    expected = Exit.USAGE if reason in SET_UP_WRONGLY else Exit.SUCCESS
    assert step_exit_code(reason, FailOn.NEVER) is expected

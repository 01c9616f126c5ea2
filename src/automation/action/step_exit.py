"""The exit code of the Action's step: the verdict's, unless the workflow wants to go on. Pure."""

from automation.action.inputs import FailOn
from automation.exit_codes import Exit, exit_code
from automation.reasons import Reason

NEVER_GREEN = frozenset({Reason.BAD_CONFIG, Reason.ARCHIVE_INCOMPLETE})


def step_exit_code(reason: Reason, fail_on: FailOn) -> Exit:
    """With `fail-on: never` the check run alone tells how it ended, and the step succeeds; but a step that is
    misconfigured is never green, because nobody would look.
    """
    if fail_on is FailOn.NEVER and reason not in NEVER_GREEN:
        return Exit.SUCCESS
    return exit_code(reason)

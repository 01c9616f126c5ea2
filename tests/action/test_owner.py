"""A run's mark says for which repository, and which check run of it, the run was made."""

from dataclasses import replace
from uuid import UUID

import pytest

from automation.action.context import Context
from automation.action.owner import owner_mark
from automation.external_id import ExternalId, Face

RUN = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4e")
KEYS = ExternalId(Face.ACTION, "4242", RUN, 1, 1_800_000_000)
CONTEXT = Context("octo/demo")


def test_the_mark_is_one_line_of_both() -> None:
    mark = owner_mark(CONTEXT, KEYS)
    assert mark == f"https://github.com/octo/demo action:4242:{RUN}:1:1800000000"
    assert mark.splitlines() == [mark]


@pytest.mark.parametrize(
    ("context", "keys"),
    [
        (replace(CONTEXT, repository="octo/other"), KEYS),
        (replace(CONTEXT, repository="mallory/demo"), KEYS),
        (replace(CONTEXT, server_url="https://ghes.example"), KEYS),
        (CONTEXT, replace(KEYS, instance="4243")),
        (CONTEXT, replace(KEYS, attempt=2)),
        (CONTEXT, replace(KEYS, deadline=1_800_000_001)),
        (CONTEXT, replace(KEYS, face=Face.BOT)),
        (CONTEXT, replace(KEYS, run=UUID(int=1))),
    ],
)
def test_nobody_elses_mark_is_the_same(context: Context, keys: ExternalId) -> None:
    assert owner_mark(context, keys) != owner_mark(CONTEXT, KEYS)

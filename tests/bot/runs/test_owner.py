"""A mark names its run as it was written, and what has another form names none."""

from dataclasses import replace
from uuid import UUID

import pytest

from automation.external_id import ExternalId, Face
from bot.runs.owner import Owner, keys_of
from bot.runs.run import Run

ID = UUID("6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a11")
RUN = Run(ID, "octo/demo", 1, "hello", "hello", "d" * 40, "e" * 40, attempt=2, deadline=1_800_000_000.7)
KEYS = ExternalId(Face.BOT, "mine", ID, 2, 1_800_000_000)
TEXT = f"https://github.com/octo/demo {KEYS}"
OWNER = Owner("https://github.com", "octo/demo", KEYS)


def test_the_keys_name_the_bot_and_the_run() -> None:
    assert keys_of(RUN, "mine") == KEYS
    assert str(KEYS) == f"bot:mine:{ID}:2:1800000000"


@pytest.mark.parametrize(
    ("mark", "owner"),
    [
        (TEXT, OWNER),
        (f"https://github.example/sub/octo/demo {KEYS}", replace(OWNER, github_url="https://github.example/sub")),
        (f"octo/demo {KEYS}", None),
        (str(KEYS), None),
        (f"https://github.com/octo/demo {KEYS}:1", None),
        ("https://github.com/octo/demo", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_mark_is_read_as_it_is_written(mark: str, owner: Owner | None) -> None:
    assert Owner.parse(mark) == owner
    assert owner is None or str(owner) == mark


@pytest.mark.parametrize(
    ("changes", "is_ours"),
    [({}, True), ({"instance": "another"}, False), ({"face": Face.ACTION}, False), ({"attempt": 1}, True)],
)
def test_it_is_a_bots_by_face_and_instance(changes: dict[str, object], is_ours: bool) -> None:
    keys = replace(KEYS, **changes)  # type: ignore[arg-type]
    assert replace(OWNER, external_id=keys).is_of("mine") is is_ours

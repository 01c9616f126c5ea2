"""Which runs on a server are this bot's, by their marks."""

from uuid import UUID

import pytest

from automation.run.marks import Marked
from bot.runs.strays import strays

RUN, OTHER = "6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a11", "6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a12"
GITHUB = "https://github.com"


@pytest.mark.parametrize(
    ("mark", "is_ours"),
    [
        (f"{GITHUB}/octo/demo bot:mine:{RUN}:1:1800000000", True),
        (f"{GITHUB}/octo/demo bot:another:{RUN}:1:1800000000", False),
        (f"{GITHUB}/octo/demo action:mine:{RUN}:1:1800000000", False),
        (f"{GITHUB}/octo/demo bot:mine:{OTHER}:1:1800000000", False),
        (f"https://github.example/octo/demo bot:mine:{RUN}:1:1800000000", False),
        (f"{GITHUB}.example/octo/demo bot:mine:{RUN}:1:1800000000", False),
        (f"{GITHUB}/octo/demo bot:mine:{RUN}", False),
        ("", False),
    ],
)
def test_a_run_is_ours_by_the_whole_mark_of_its_own_directory(mark: str, is_ours: bool) -> None:
    found = Marked({UUID(RUN): mark}, frozenset())
    assert strays(found, "mine", GITHUB) == ([UUID(RUN)] if is_ours else [])

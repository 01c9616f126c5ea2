"""A pull request is read as GitHub sends it; whatever is something else is a sentence, and a doubt about its head a fork."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.github.errors import GitHubUnavailable
from automation.github.pull_request import PullRequest
from automation.reasons import Reason

HEAD, BASE = "a" * 40, "b" * 40
DOCUMENT: dict[str, Any] = {
    "number": 7,
    "state": "open",
    "head": {"sha": HEAD, "ref": "feature", "repo": {"full_name": "octo/demo"}},
    "base": {"sha": BASE, "ref": "main", "repo": {"full_name": "octo/demo"}},
}
NO_NUMBERS: list[Any] = [float("inf"), float("nan"), "9" * 5000, {}]


def pull(**head: Any) -> PullRequest:
    return PullRequest.read(DOCUMENT | {"head": DOCUMENT["head"] | head})


def test_it_is_read_as_it_is() -> None:
    assert PullRequest.read(DOCUMENT) == PullRequest(
        number=7,
        is_open=True,
        head_sha=HEAD,
        head_ref="feature",
        head_repository="octo/demo",
        base_sha=BASE,
        base_ref="main",
        base_repository="octo/demo",
    )


@pytest.mark.parametrize("state", ["closed", "merged", "Open", "", None])
def test_only_open_is_open(state: Any) -> None:
    assert not PullRequest.read(DOCUMENT | {"state": state}).is_open


@pytest.mark.parametrize(
    ("repository", "is_fork"),
    [
        ({"full_name": "octo/demo"}, False),
        ({"full_name": "OCTO/Demo"}, False),
        ({"full_name": "mallory/demo"}, True),
        ({"full_name": "octo/demo2"}, True),
        ({"full_name": ""}, True),
        ({"full_name": None}, True),
        ({}, True),
        (None, True),
    ],
)
def test_whose_code_it_is(repository: Any, is_fork: bool) -> None:
    assert pull(repo=repository).is_from_fork is is_fork


def test_where_neither_repository_is_known_it_is_a_forks() -> None:
    neither = PullRequest.read({"number": 1, "state": "open", "head": {"sha": HEAD}, "base": {}})
    assert neither.is_from_fork
    assert (neither.head_ref, neither.base_sha, neither.base_ref) == ("", "", "")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"number": 7},
        *({name: value for name, value in DOCUMENT.items() if name != missing} for missing in DOCUMENT),
        *(DOCUMENT | {name: None} for name in ("number", "head", "base")),
        *(DOCUMENT | {name: [1]} for name in ("number", "head", "base")),
        *(DOCUMENT | {name: "text"} for name in ("number", "head", "base")),
        *(DOCUMENT | {"number": number} for number in NO_NUMBERS),
        DOCUMENT | {"head": {"ref": "feature"}},
        DOCUMENT | {"head": {"sha": HEAD, "repo": "octo/demo"}},
        DOCUMENT | {"base": {"repo": ["octo/demo"]}},
    ],
)
def test_what_is_none_is_a_sentence(document: dict[str, Any]) -> None:
    with pytest.raises(GitHubUnavailable, match="answer to a pull request is not of its form") as error:
        PullRequest.read(document)
    assert error.value.reason is Reason.GITHUB_LOST


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["sha", "repo", "ref"]), SCALARS)
)


@given(changes=st.dictionaries(st.sampled_from(sorted(DOCUMENT)), JSON), head=JSON)
def test_nothing_is_a_traceback(changes: dict[str, Any], head: Any) -> None:
    try:
        found = PullRequest.read(DOCUMENT | {"head": DOCUMENT["head"] | {"repo": head}} | changes)
    except GitHubUnavailable:
        return
    texts = (found.head_sha, found.head_ref, found.head_repository, found.base_sha, found.base_ref)
    assert all(isinstance(text, str) for text in texts)
    assert isinstance(found.number, int)
    assert found.is_from_fork or found.head_repository.casefold() == found.base_repository.casefold() != ""

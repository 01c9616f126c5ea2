"""Every kind of event names its commit, and where the definition comes from; whatever else it holds is no traceback."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.action.context import Context
from automation.action.target import Target, pull_request_to_read, target_of
from automation.errors import AutomationError, Misconfigured, Refused
from automation.github.pull_request import PullRequest
from automation.reasons import Reason

HEAD, MERGE, BASE, MAIN, OTHER = (letter * 40 for letter in "abcde")
NOTHING = "0" * 40
REPOSITORY = "octo/demo"
HERE = {"full_name": REPOSITORY}
FORK = {"full_name": "mallory/demo"}
PULL = {
    "number": 7,
    "state": "open",
    "head": {"sha": HEAD, "ref": "feature", "repo": HERE},
    "base": {"sha": BASE, "ref": "main", "repo": HERE},
}
COMMENT = {
    "action": "created",
    "issue": {"number": 7, "pull_request": {"url": "https://api.github.com/repos/octo/demo/pulls/7"}},
    "repository": {"default_branch": "main"},
}
RUN = {"head_sha": HEAD, "head_branch": "feature", "head_repository": HERE}
GROUP = {
    "head_sha": HEAD,
    "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-x",
    "base_sha": BASE,
    "base_ref": "refs/heads/main",
}


def context(
    name: str, event: Mapping[str, Any] | None = None, *, sha: str = MERGE, ref: str = "refs/heads/main"
) -> Context:
    return Context(REPOSITORY, name, event or {}, sha=sha, ref=ref)


def pull(*, head: Any = None, base: str = "main", state: str = "open", **changes: Any) -> dict[str, Any]:
    """Pull request 7; `head` is the repository that it comes from."""
    return PULL | {
        "state": state,
        "head": PULL["head"] | {"repo": HERE if head is None else head},  # type: ignore[operator]
        "base": PULL["base"] | {"ref": base},  # type: ignore[operator]
        **changes,
    }


def shown(**changes: Any) -> PullRequest:
    """Pull request 7 as the API shows it now."""
    return PullRequest.read(pull(**changes))


OF_THE_PULL = Target(HEAD, "feature", BASE, "main", 7)


@pytest.mark.parametrize("name", ["pull_request", "pull_request_review", "pull_request_review_comment"])
def test_a_pull_request_is_run_at_its_head_by_the_workspaces_definition(name: str) -> None:
    assert target_of(context(name, {"pull_request": PULL}), "", None) == OF_THE_PULL


@pytest.mark.parametrize("repository", [FORK, None, {}, {"full_name": ""}, {"full_name": None}])
def test_a_forks_pull_request_is_known_as_one_but_has_no_secrets_to_take(repository: Any) -> None:
    event = {"pull_request": PULL | {"head": {"sha": HEAD, "ref": "feature", "repo": repository}}}
    target = target_of(context("pull_request", event), "", None)
    assert target == replace(OF_THE_PULL, is_fork=True)
    assert not target.needs_gate


def test_repositories_are_the_same_in_any_case() -> None:
    event = {"pull_request": pull(head={"full_name": "Octo/DEMO"})}
    assert not target_of(context("pull_request", event), "", None).is_fork


def test_a_review_has_no_state_of_its_own_pull_request() -> None:
    event = {"pull_request": {name: value for name, value in PULL.items() if name != "state"}}
    assert target_of(context("pull_request_review", event), "", None) == OF_THE_PULL


@pytest.mark.parametrize(
    ("name", "event", "ref", "expected"),
    [
        ("push", {"before": BASE}, "refs/heads/main", Target(MERGE, "main", BASE)),
        ("push", {"before": NOTHING}, "refs/heads/new", Target(MERGE, "new")),
        ("push", {"before": "main"}, "refs/heads/main", Target(MERGE, "main")),
        ("push", {"before": None}, "refs/tags/v1", Target(MERGE)),
        ("push", {}, "refs/heads/a/b", Target(MERGE, "a/b")),
        ("schedule", {"schedule": "0 3 * * *"}, "refs/heads/main", Target(MERGE, "main")),
        ("workflow_dispatch", {"inputs": None}, "refs/heads/main", Target(MERGE, "main")),
        ("workflow_dispatch", {}, "refs/tags/v1", Target(MERGE)),
        ("release", {"release": {"tag_name": "v1"}}, "refs/tags/v1", Target(MERGE)),
        ("repository_dispatch", {"client_payload": {}}, "refs/heads/main", Target(MERGE, "main")),
        ("some_event_of_tomorrow", {}, "", Target(MERGE)),
        (
            "merge_group",
            {"merge_group": GROUP},
            "refs/heads/x",
            Target(HEAD, "gh-readonly-queue/main/pr-7-x", BASE, "main"),
        ),
        ("merge_group", {"merge_group": {"head_sha": HEAD}}, "", Target(HEAD)),
        (
            "workflow_run",
            {"workflow_run": RUN},
            "",
            Target(HEAD, "feature", definition_ref=MERGE, is_privileged=True),
        ),
        (
            "workflow_run",
            {"workflow_run": RUN | {"head_branch": None, "head_repository": FORK}},
            "",
            Target(HEAD, definition_ref=MERGE, is_fork=True, is_privileged=True),
        ),
        (
            "workflow_run",
            {"workflow_run": RUN | {"head_repository": None}},
            "",
            Target(HEAD, "feature", definition_ref=MERGE, is_fork=True, is_privileged=True),
        ),
    ],
)
def test_each_event_names_its_commit(name: str, event: dict[str, Any], ref: str, expected: Target) -> None:
    asked = context(name, event, ref=ref)
    assert pull_request_to_read(asked, None) is None
    assert target_of(asked, "", None) == expected


def test_a_fork_beside_secrets_needs_the_gate() -> None:
    event = {"workflow_run": RUN | {"head_repository": FORK}}
    assert target_of(context("workflow_run", event), "", None).needs_gate
    assert not target_of(context("workflow_run", {"workflow_run": RUN}), "", None).needs_gate


@pytest.mark.parametrize("name", ["issue_comment", "pull_request_target"])
def test_where_anybody_can_start_it_the_head_is_asked_for_and_the_definition_is_the_bases(name: str) -> None:
    event = COMMENT | {"pull_request": PULL | {"head": {"sha": OTHER}}}
    asked = context(name, event)
    assert pull_request_to_read(asked, None) == 7
    target = target_of(asked, "", shown())
    assert target == replace(OF_THE_PULL, definition_ref=MERGE, is_privileged=True)
    assert target.sha == HEAD, "what the API shows now, not what the event had"


@pytest.mark.parametrize("name", ["issue_comment", "pull_request_target"])
def test_the_definition_of_another_base_is_that_branchs(name: str) -> None:
    target = target_of(context(name, COMMENT), "", shown(base="release/1"))
    assert target.definition_ref == "release/1"
    without_default = target_of(context(name, {}), "", shown())
    assert without_default.definition_ref == "main"


@pytest.mark.parametrize("head", [FORK, {}])
@pytest.mark.parametrize("name", ["issue_comment", "pull_request_target", "workflow_dispatch"])
def test_a_fork_that_the_api_shows_needs_the_gate(name: str, head: Any) -> None:
    target = target_of(context(name, COMMENT), "", shown(head=head))
    assert target.is_fork
    assert target.needs_gate


def test_a_pull_request_of_ones_own_needs_none() -> None:
    assert not target_of(context("issue_comment", COMMENT), "", shown()).needs_gate


def test_a_pull_request_that_is_asked_for_by_number() -> None:
    asked = context("workflow_dispatch", {"repository": {"default_branch": "main"}})
    assert pull_request_to_read(asked, 7) == 7
    target = target_of(asked, HEAD, shown())
    assert target == replace(OF_THE_PULL, is_privileged=True), "the workspace's definition"


def test_of_another_workflows_pull_request_the_definition_is_the_default_branchs() -> None:
    asked = context("workflow_run", {"workflow_run": RUN})
    assert pull_request_to_read(asked, 7) == 7
    target = target_of(asked, "", shown())
    assert target == replace(OF_THE_PULL, definition_ref=MERGE, is_privileged=True)


def test_a_comment_on_an_issue_starts_nothing() -> None:
    with pytest.raises(Refused, match=r"if: github\.event\.issue\.pull_request") as refusal:
        pull_request_to_read(context("issue_comment", {"issue": {"number": 7}}), None)
    assert refusal.value.reason is Reason.NOT_ALLOWED


def test_a_closed_pull_request_is_not_run_by_comment() -> None:
    with pytest.raises(Refused, match=r"pull request 7 is closed"):
        target_of(context("issue_comment", COMMENT), "", shown(state="closed"))
    assert target_of(context("pull_request_target", COMMENT), "", shown(state="closed")).sha == HEAD


@pytest.mark.parametrize("name", ["issue_comment", "pull_request_target", "workflow_dispatch"])
def test_a_head_that_has_moved_on_is_not_what_was_asked_for(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        target_of(context(name, COMMENT), OTHER, shown())
    assert refusal.value.reason is Reason.SHA_MOVED
    assert HEAD in refusal.value.sentence
    assert OTHER in refusal.value.sentence


@pytest.mark.parametrize("name", ["issue_comment", "pull_request_target"])
def test_the_number_is_the_events(name: str) -> None:
    event = COMMENT | {"pull_request": PULL}
    assert pull_request_to_read(context(name, event), 7) == 7
    with pytest.raises(Misconfigured, match="`pr` is 8, and the event is about 7"):
        pull_request_to_read(context(name, event), 8)


@pytest.mark.parametrize(
    ("name", "event", "expected"),
    [
        ("push", {"before": BASE}, Target(OTHER)),
        ("schedule", {}, Target(OTHER)),
        ("workflow_dispatch", {}, Target(OTHER)),
        ("release", {}, Target(OTHER)),
        ("pull_request", {"pull_request": PULL}, replace(OF_THE_PULL, sha=OTHER)),
        (
            "workflow_run",
            {"workflow_run": RUN},
            Target(OTHER, "feature", definition_ref=MERGE, is_privileged=True),
        ),
    ],
)
def test_another_commit_can_be_asked_for(name: str, event: dict[str, Any], expected: Target) -> None:
    assert target_of(context(name, event), OTHER, None) == expected


@pytest.mark.parametrize(
    "sha", ["", NOTHING, HEAD[:39], f"{HEAD}a", HEAD.upper(), "main", f"{HEAD}\n", "\u0660" * 40]
)
@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("push", {}),
        ("workflow_dispatch", {}),
        ("merge_group", {"merge_group": {}}),
        ("workflow_run", {"workflow_run": {}}),
    ],
)
def test_what_is_no_commit_is_not_run(name: str, event: dict[str, Any], sha: str) -> None:
    inner = {key: {"head_sha": sha} for key in event}
    with pytest.raises(Misconfigured, match="it is not known which commit to run at"):
        target_of(context(name, inner, sha=sha), "", None)


@pytest.mark.parametrize("sha", [NOTHING, "abc", None, 5])
def test_a_pull_request_without_a_commit_is_not_run(sha: object) -> None:
    event = {"pull_request": PULL | {"head": {"sha": sha, "ref": "feature", "repo": HERE}}}
    with pytest.raises(Misconfigured, match="it is not known which commit to run at"):
        target_of(context("pull_request", event), "", None)


@pytest.mark.parametrize("missing", ["number", "head", "base"])
def test_an_events_pull_request_that_cannot_be_read_is_the_users_to_mend(missing: str) -> None:
    """The workflow says which event it is, and GitHub is not to blame for it."""
    event = {"pull_request": {name: value for name, value in PULL.items() if name != missing}}
    with pytest.raises(
        Misconfigured, match="event's pull request cannot be read; expected number"
    ) as refusal:
        target_of(context("pull_request", event), "", None)
    assert refusal.value.reason is Reason.BAD_CONFIG


WHOLE: dict[str, dict[str, Any]] = {
    "pull_request": {"pull_request": PULL},
    "pull_request_target": COMMENT | {"pull_request": PULL},
    "issue_comment": COMMENT,
    "merge_group": {"merge_group": GROUP},
    "workflow_run": {"workflow_run": RUN},
    "push": {"before": BASE},
    "schedule": {"schedule": "0 3 * * *"},
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([HEAD, "9" * 5000, float("inf")])
)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=4), SCALARS, max_size=2)


def places(document: Any) -> list[tuple[str, ...]]:
    """Where there is something in a document, from the whole of it to its last string."""
    inside = document.items() if isinstance(document, dict) else ()
    return [(), *((key, *path) for key, value in inside for path in places(value))]


def with_another(document: Any, place: tuple[str, ...], value: Any) -> Any:
    if not place:
        return value
    key, *rest = place
    return document | {key: with_another(document[key], tuple(rest), value)}


@st.composite
def malformed_events(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An event that has something else than GitHub's in one or two of its places."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    event = WHOLE[name]
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from([place for place in places(event) if place]))
        event = with_another(event, place, draw(JSON))
    return name, event


def tried(here: Context, sha: str, asked: int | None) -> Target | AutomationError:
    """What a step makes of an event; the API shows a fork's pull request."""
    try:
        number = pull_request_to_read(here, asked)
        return target_of(here, sha, shown(head=FORK) if number is not None else None)
    except AutomationError as error:
        return error


@settings(max_examples=200)
@given(malformed=malformed_events(), sha=st.sampled_from(["", OTHER]), asked=st.sampled_from([None, 7]))
def test_any_event_gives_a_commit_or_a_sentence(
    malformed: tuple[str, dict[str, Any]], sha: str, asked: int | None
) -> None:
    found = tried(context(*malformed), sha, asked)
    if isinstance(found, Target):
        assert found.sha in {sha or HEAD, HEAD, MERGE}
    else:
        assert found.sentence
        assert found.reason in {Reason.BAD_CONFIG, Reason.NOT_ALLOWED, Reason.SHA_MOVED}


NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    name=st.sampled_from(sorted(WHOLE)),
    event=st.dictionaries(st.sampled_from(["issue", "pull_request", "repository"]), NESTED),
)
def test_nonsense_gives_a_commit_or_a_sentence(name: str, event: dict[str, Any]) -> None:
    found = tried(context(name, event), "", None)
    assert isinstance(found, AutomationError) or found.sha in {MERGE, HEAD}


@given(document=NESTED | st.dictionaries(st.sampled_from(["number", "state", "head", "base"]), NESTED))
def test_nonsense_for_a_pull_request_is_a_sentence(document: Any) -> None:
    with pytest.raises(Misconfigured):
        target_of(context("pull_request", {"pull_request": document}), "", None)

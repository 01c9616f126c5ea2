"""Who may start a run is decided by role; a fork's commit needs its full name from somebody who may, and a place apart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.action.context import Context
from automation.action.gate import check_fork, commenter
from automation.action.target import Target
from automation.definition.github_key import Forks, GitHubKey
from automation.definition.role import Role
from automation.errors import Refused
from automation.reasons import Reason

SHA, MOVED = "0123456789abcdef" * 2 + "01234567", "f" * 40
FORK = Target(SHA, "feature", "", "main", 7, is_fork=True, is_privileged=True)
APPROVING = GitHubKey(forks=Forks.APPROVE)
DENYING = GitHubKey(forks=Forks.DENY)


def comment(body: str = "", *, action: str | None = "created", **changes: Any) -> Context:
    """A comment of Alice's, as an `issue_comment` event; what is None is left out."""
    said = {"body": body, "user": {"login": "alice", "type": "User", "id": 1}} | changes
    event = {"action": action, "comment": {name: value for name, value in said.items() if value is not None}}
    return Context("octo/demo", "issue_comment", event)


def event(name: str) -> Context:
    return Context("octo/demo", name, {"comment": {"body": SHA}, "action": "created"})


def let_through(
    context: Context,
    target: Target = FORK,
    settings: GitHubKey = APPROVING,
    sha: str = "",
    *,
    role: Role | None = Role.WRITE,
    isolated: bool = True,
) -> Reason | None:
    """Why not; None for yes."""
    try:
        check_fork(context, target, role, settings, sha, is_isolated=isolated)
    except Refused as refusal:
        return refusal.reason
    return None


def test_a_new_comment_counts_as_its_author() -> None:
    assert commenter(comment("/run")) == "alice"


@pytest.mark.parametrize(
    "name", ["pull_request_target", "pull_request", "push", "workflow_dispatch", "workflow_run"]
)
def test_without_a_comment_the_workflow_is_the_gate(name: str) -> None:
    assert commenter(event(name)) is None


@pytest.mark.parametrize("action", ["edited", "deleted", "", None, "Created", ["created"]])
def test_a_comment_that_is_not_new_starts_nothing(action: Any) -> None:
    with pytest.raises(Refused, match=r"types: \[created\]") as refusal:
        commenter(comment("/run", action=action))
    assert refusal.value.reason is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {"login": "robot[bot]", "type": "Bot"}},
        {"user": {"login": "octo", "type": "Organization"}},
        {"user": {"login": "alice", "type": "user"}},
        {"user": {"login": "alice"}},
        {"user": {}},
        {"user": None},
        {"user": "alice"},
        {"user": [{"login": "alice", "type": "User"}]},
        {"performed_via_github_app": {"id": 1, "slug": "an-app"}},
        {"performed_via_github_app": True},
    ],
)
def test_what_is_not_a_persons_starts_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="not written by a person"):
        commenter(comment("/run", **changes))


@pytest.mark.parametrize("given_event", [{}, {"action": "created"}, {"action": "created", "comment": "x"}])
def test_an_event_without_a_comment_starts_nothing(given_event: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        commenter(Context("octo/demo", "issue_comment", given_event))


def test_a_person_without_a_name_has_no_role_to_ask_for() -> None:
    assert commenter(comment(user={"type": "User"})) == ""


@pytest.mark.parametrize(
    "target",
    [
        Target(SHA),
        Target(SHA, is_privileged=True),
        Target(SHA, is_fork=True),
    ],
    ids=["of one's own", "of one's own, with secrets", "a fork's, without"],
)
@pytest.mark.parametrize("settings", [APPROVING, DENYING], ids=["approve", "deny"])
def test_what_cannot_reach_secrets_passes(target: Target, settings: GitHubKey) -> None:
    assert let_through(event("pull_request"), target, settings, isolated=False) is None


@pytest.mark.parametrize(
    "body",
    [
        f"/run-automation {SHA}",
        f"/run-automation review {SHA} please",
        f"/run-automation `{SHA}`, which looks good.",
        f"/approve sha={SHA}\r\nthanks",
        f"\n \r\n/approve ({SHA})",
        f"/approve https://github.com/octo/demo/commit/{SHA}",
        f"/approve {SHA.upper()}",
        f"/approve {MOVED} no, {SHA}",
        f"/approve {SHA} {SHA}",
        f"/größe:{SHA}",
    ],
)
def test_the_full_name_of_the_commit_in_a_command_approves_it(body: str) -> None:
    assert let_through(comment(body)) is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/run-automation review",
        f"/approve {SHA[:7]}",
        f"/approve {SHA[:39]}",
        f"/approve {SHA}0",
        f"/approve 0{SHA}",
        f"/approve{SHA}",
        f"/approve x{SHA}",
        f"/approve {SHA}z",
        f"/approve {SHA[:20]} {SHA[20:]}",
        f"/approve {SHA[:20]}\n{SHA[20:]}",
        f"/approve {SHA.replace('0', chr(0x660))}",
        f"/approve {SHA.replace('a', chr(0x430))}",
        "/approve the head",
    ],
)
def test_less_than_the_full_name_approves_nothing(body: str) -> None:
    assert let_through(comment(body)) is Reason.FORK_NEEDS_APPROVAL


@pytest.mark.parametrize(
    "body",
    [
        SHA,
        f"{SHA} is broken",
        f"> /approve {SHA}\n\nCertainly not!",
        f"/why\n> /approve {SHA}",
        f"/why\n```\n/approve {SHA}\n```",
        f"/why\n/approve {SHA}",
        f"<!-- /approve {SHA} -->",
        f"<!--\n/approve {SHA}\n-->",
        f"`/approve {SHA}`",
        f"    /approve {SHA}",
        f"```\n/approve {SHA}\n```",
        f"- /approve {SHA}",
        f"I said /approve {SHA}",
    ],
)
def test_a_name_that_is_only_talked_about_approves_nothing(body: str) -> None:
    assert let_through(comment(body)) is Reason.FORK_NEEDS_APPROVAL


@pytest.mark.parametrize("role", [None, *Role])
def test_only_who_may_write_approves(role: Role | None) -> None:
    """Whatever less the automation asks of who starts it: a stranger would approve his own commit."""
    may_write = role in {Role.WRITE, Role.MAINTAIN, Role.ADMIN}
    settings = GitHubKey(who=Role.READ)
    reason = let_through(comment(f"/approve {SHA}"), settings=settings, role=role)
    assert reason is (None if may_write else Reason.FORK_NEEDS_APPROVAL)


@pytest.mark.parametrize("role", [None, *Role])
def test_whoever_can_start_a_workflow_by_hand_may_write(role: Role | None) -> None:
    assert let_through(event("workflow_dispatch"), sha=SHA, role=role) is None


@pytest.mark.parametrize("body", [None, 5, [SHA], {"sha": SHA}])
def test_what_is_no_text_approves_nothing(body: Any) -> None:
    assert let_through(comment(body)) is Reason.FORK_NEEDS_APPROVAL


@pytest.mark.parametrize(
    "body", [f"/approve {MOVED}", f"/approve {MOVED} please", f"/approve {MOVED} {SHA[:7]}"]
)
def test_another_commit_approves_nothing_and_is_told_apart(body: str) -> None:
    assert let_through(comment(body)) is Reason.SHA_MOVED


def test_the_refusal_says_what_to_approve() -> None:
    with pytest.raises(Refused, match=f"the commit {SHA} is a fork's") as refusal:
        check_fork(comment(), FORK, Role.ADMIN, APPROVING, "", is_isolated=True)
    assert "name it in full in a comment" in refusal.value.sentence
    with pytest.raises(Refused, match=f"the pull request is at {SHA}"):
        check_fork(comment(f"/approve {MOVED}"), FORK, Role.ADMIN, APPROVING, "", is_isolated=True)


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "pull_request", "push", ""])
def test_the_input_sha_approves_nothing_where_a_push_could_have_filled_it(name: str) -> None:
    assert let_through(event(name), sha=SHA) is Reason.FORK_NEEDS_APPROVAL


def test_the_input_sha_is_no_comment() -> None:
    assert let_through(comment("/run"), sha=SHA) is Reason.FORK_NEEDS_APPROVAL


def test_a_workflow_started_by_hand_approves_its_sha() -> None:
    assert let_through(event("workflow_dispatch"), sha=SHA) is None
    assert let_through(event("workflow_dispatch"), sha=MOVED) is Reason.SHA_MOVED
    assert let_through(event("workflow_dispatch")) is Reason.FORK_NEEDS_APPROVAL


@pytest.mark.parametrize(
    ("context", "sha"),
    [(comment(f"/approve {SHA}"), ""), (event("workflow_dispatch"), SHA), (event("workflow_run"), "")],
)
def test_forks_that_are_denied_are_so_however_they_are_approved(context: Context, sha: str) -> None:
    assert let_through(context, settings=DENYING, sha=sha) is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("context", "sha"), [(comment(f"/approve {SHA}"), ""), (event("workflow_dispatch"), SHA)]
)
def test_an_approved_commit_still_needs_a_server_apart(context: Context, sha: str) -> None:
    assert let_through(context, sha=sha, isolated=False) is Reason.FORK_NEEDS_ISOLATION
    with pytest.raises(Refused, match="set AUTOMATION_FORK_AGENT_SERVER_URL"):
        check_fork(context, FORK, Role.WRITE, APPROVING, sha, is_isolated=False)


def test_whoever_is_not_approved_does_not_learn_of_servers() -> None:
    assert let_through(comment(), isolated=False) is Reason.FORK_NEEDS_APPROVAL


@given(
    words=st.lists(st.text("0123456789abcdefABCDEF", max_size=45) | st.text(max_size=10), max_size=4),
    glue=st.sampled_from(["", *" \n,;-/`#:_"]),
)
def test_nothing_that_does_not_hold_the_name_approves_it(words: list[str], glue: str) -> None:
    body = f"/approve {glue.join(words)}"
    assert SHA in body.lower() or let_through(comment(body)) is not None


LINE = st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp", "Cs"]), max_size=5)


@given(before=LINE, after=LINE)
def test_the_name_counts_where_it_is_a_word(before: str, after: str) -> None:
    neighbours = before[-1:] + after[:1]
    is_longer = any(character.isascii() and character.isalnum() for character in neighbours)
    assert (let_through(comment(f"/{before}{SHA}{after}")) is None) is not is_longer

"""Which commit a run is about, and where its definition comes from: one row for each kind of event. Pure.

| event | commit | definition |
|---|---|---|
| pull_request and its reviews | the head's, not the merge commit | the workspace |
| push, schedule, workflow_dispatch, release, others | GITHUB_SHA | the workspace |
| merge_group | its head | the workspace |
| issue_comment, pull_request_target | the head's, read from the API and pinned | the base branch |
| workflow_run | its head | the default branch |

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automation.action.context import Context
from automation.errors import Misconfigured, Refused
from automation.github.errors import GitHubUnavailable
from automation.github.pull_request import PullRequest
from automation.reasons import Reason

COMMENT = "issue_comment"
FROM_THE_BASE = frozenset({COMMENT, "pull_request_target"})
OF_A_PULL_REQUEST = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_SHA = re.compile(r"[0-9a-f]{40}")
_NOTHING = "0" * 40


@dataclass(frozen=True)
class Target:
    """What a run is about.

    Attributes:
        base_sha: what the changes are compared with; empty where there is nothing.
        definition_ref: branch or commit that the definition is read from; empty for the workspace.
        is_fork: the code is from somebody else's repository.
        is_privileged: the workflow has the repository's secrets although the code may be anybody's.
    """

    sha: str
    head_ref: str = ""
    base_sha: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    definition_ref: str = ""
    is_fork: bool = False
    is_privileged: bool = False

    @property
    def needs_gate(self) -> bool:
        """Whether a fork's code is about to stand where our secrets are."""
        return self.is_fork and self.is_privileged


def pull_request_to_read(context: Context, asked: int | None) -> int | None:
    """The number of the pull request that the API has to be asked for; None if the event says enough.

    Raises:
        Misconfigured: the event has none although it should, or it is another one than was asked for.
        Refused: the comment stands elsewhere.
    """
    match context.event_name:
        case "issue_comment":
            issue = _mapping(context.event, "issue")
            if "pull_request" not in issue:
                raise Refused(
                    "the comment is on an issue, not on a pull request; give the job "
                    "`if: github.event.issue.pull_request`"
                )
            number = issue.get("number")
        case "pull_request_target":
            number = _mapping(context.event, "pull_request").get("number")
        case _:
            return asked
    if not isinstance(number, int):
        raise Misconfigured(f"the event {context.event_name} has no number of a pull request")
    if asked not in {None, number}:
        raise Misconfigured(f"`pr` is {asked}, and the event is about {number}: leave `pr` out")
    return number


def target_of(context: Context, sha: str, pull: PullRequest | None) -> Target:
    """What the run is about.

    Args:
        sha: the input, empty for the event's own.
        pull: as the API has just shown it, where `pull_request_to_read` asked for it.

    Raises:
        Misconfigured: the event does not say.
        Refused: the pull request is closed or has moved on.
    """
    if pull is not None:
        return _of_pull(context, sha, pull)
    event = context.event
    match context.event_name:
        case name if name in OF_A_PULL_REQUEST:
            shown = _shown(event)
            return _from_pull(shown, sha or shown.head_sha)
        case "merge_group":
            group = _mapping(event, "merge_group")
            return _checked(
                Target(
                    sha=sha or str(group.get("head_sha", "")),
                    head_ref=_branch(str(group.get("head_ref", ""))),
                    base_sha=_known(group.get("base_sha")),
                    base_ref=_branch(str(group.get("base_ref", ""))),
                )
            )
        case "workflow_run":
            run = _mapping(event, "workflow_run")
            head_repository = _optional(run, "head_repository").get("full_name", "")
            return _checked(
                Target(
                    sha=sha or str(run.get("head_sha", "")),
                    head_ref=str(run.get("head_branch") or ""),
                    definition_ref=context.sha,
                    is_fork=str(head_repository).casefold() != context.repository.casefold(),
                    is_privileged=True,
                )
            )
        case "push":
            return _checked(
                Target(
                    sha=sha or context.sha,
                    head_ref="" if sha else _branch(context.ref),
                    base_sha="" if sha else _known(event.get("before")),
                )
            )
        case _:
            return _checked(Target(sha=sha or context.sha, head_ref="" if sha else _branch(context.ref)))


def _shown(event: Mapping[str, Any]) -> PullRequest:
    """The event's pull request; with a review it comes without a state of its own."""
    try:
        return PullRequest.read({"state": "open", **_mapping(event, "pull_request")})
    except GitHubUnavailable:
        raise Misconfigured(
            "the event's pull request cannot be read; expected number, state, head and base as GitHub sends them"
        ) from None


def _of_pull(context: Context, sha: str, pull: PullRequest) -> Target:
    if not pull.is_open and context.event_name == COMMENT:
        raise Refused(f"pull request {pull.number} is closed; open it again to run something on it")
    if sha and sha != pull.head_sha:
        raise Refused(
            f"pull request {pull.number} is at {pull.head_sha}, not at {sha}, which was asked for; "
            "look at what is new and ask again",
            reason=Reason.SHA_MOVED,
        )
    from_base = context.event_name in FROM_THE_BASE
    definition_ref = _definition_ref(context, pull) if from_base else ""
    target = _from_pull(pull, pull.head_sha)
    return Target(
        sha=target.sha,
        head_ref=target.head_ref,
        base_sha=target.base_sha,
        base_ref=target.base_ref,
        pull_request=target.pull_request,
        definition_ref=context.sha if context.event_name == "workflow_run" else definition_ref,
        is_fork=target.is_fork,
        is_privileged=True,
    )


def _from_pull(pull: PullRequest, sha: str) -> Target:
    return _checked(
        Target(
            sha=sha,
            head_ref=pull.head_ref,
            base_sha=pull.base_sha,
            base_ref=pull.base_ref,
            pull_request=pull.number,
            is_fork=pull.is_from_fork,
        )
    )


def _definition_ref(context: Context, pull: PullRequest) -> str:
    """The base branch; where that is the default one, its commit that this workflow runs at."""
    default = _optional(context.event, "repository").get("default_branch")
    return context.sha if context.sha and pull.base_ref == default else pull.base_ref


def _checked(target: Target) -> Target:
    if not _known(target.sha):
        raise Misconfigured(
            "it is not known which commit to run at: the event names none; give `sha`, 40 hexadecimal digits"
        )
    return target


def _mapping(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = event.get(key)
    if not isinstance(value, dict):
        raise Misconfigured(f"the event has no `{key}`: is GITHUB_EVENT_NAME right?")
    return value


def _optional(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = event.get(key)
    return value if isinstance(value, dict) else {}


def _known(sha: object) -> str:
    return sha if isinstance(sha, str) and _SHA.fullmatch(sha) and sha != _NOTHING else ""


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""

"""Which commit a triggered run is about, and where its definition comes from: a row for each kind of event. Pure.

| event | commit | definition |
|---|---|---|
| pull_request, its reviews and their comments | the pull request's head | the base branch |
| issue_comment on a pull request | the head, to be read from the API | the base branch, from there, too |
| push to the default branch | what was pushed | the same commit |
| push to another branch, or of a tag | what was pushed | the default branch |
| merge_group | its head | the base branch |
| workflow_run | its head | the default branch |
| release | its tag | the default branch |
| all others, of checks and statuses, too | the default branch | the default branch |

A definition is never read from a place that a stranger can write to. A merge group's `base_sha` is no such
safe place: it can be the head of the group before it, which nobody has merged yet.

What the bot did itself triggers nothing, or it would answer itself for ever: its own checks and comments, told
by the id of the App.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from dataclasses import dataclass

from automation.github.pull_request import PullRequest
from bot.events.fields import at, branch_name, commit, number, repository_name, text
from bot.events.origin import Origin
from bot.events.relevance import OF_THE_HOOK

OF_A_PULL_REQUEST = frozenset(
    {
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
    }
)
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True)
class EventTarget:
    """What a triggered run is about.

    Attributes:
        sha: empty where the API has to be asked: for the head of `pull_request`, or else for `head_ref`.
        head_ref: branch or tag, without `refs/`.
        base_sha: what the changes are compared with; empty where there is nothing.
        definition_ref: branch or commit that the definition is read from; empty for the base branch of
            `pull_request`, which the API tells.
        is_fork: the code is somebody else's, or it is not said whose it is.
        head_repository: whose branch `head_ref` is, where the event says so; a full name.
    """

    sha: str = ""
    head_ref: str = ""
    base_sha: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    definition_ref: str = ""
    is_fork: bool = False
    head_repository: str = ""


def target_of(event: str, payload: object, *, app_id: int) -> EventTarget | None:
    """What a run would be about that this event triggers; None where it can trigger none.

    That is: nothing to run at is left (a deleted branch), no repository or installation is named, the event is
    about the webhook itself, or it is the bot's own doing. Raises nothing, whatever the payload is.

    Args:
        event: the header `X-GitHub-Event`.
        payload: the body, parsed.
        app_id: the bot's own App.
    """
    origin = Origin.read(payload)
    if origin is None or not origin.default_branch or event in OF_THE_HOOK or _is_own(payload, app_id):
        return None
    match event:
        case name if name in OF_A_PULL_REQUEST:
            return _of_pull(at(payload, "pull_request"))
        case "issue_comment" if at(payload, "issue", "pull_request") is not None:
            pull = number(at(payload, "issue", "number"))
            return EventTarget(pull_request=pull, is_fork=True) if pull else None
        case "push":
            return _of_push(payload, origin)
        case "merge_group":
            return _of_group(at(payload, "merge_group"))
        case "workflow_run":
            return _of_workflow_run(at(payload, "workflow_run"), origin)
        case "release":
            tag = text(at(payload, "release", "tag_name")) or origin.default_branch
            return EventTarget(head_ref=tag, definition_ref=origin.default_branch)
        case _:
            branch = origin.default_branch
            return EventTarget(head_ref=branch, definition_ref=branch)


def _is_own(payload: object, app_id: int) -> bool:
    apps = (
        at(payload, "check_run", "app", "id"),
        at(payload, "check_suite", "app", "id"),
        at(payload, "comment", "performed_via_github_app", "id"),
    )
    return any(number(app) == app_id for app in apps if number(app))


def _of_pull(document: object) -> EventTarget | None:
    pull = PullRequest(
        number=number(at(document, "number")),
        is_open=at(document, "state") == "open",
        head_sha=commit(at(document, "head", "sha")),
        head_ref=text(at(document, "head", "ref")),
        head_repository=repository_name(at(document, "head", "repo", "full_name")),
        base_sha=commit(at(document, "base", "sha")),
        base_ref=text(at(document, "base", "ref")),
        base_repository=repository_name(at(document, "base", "repo", "full_name")),
    )
    if not (pull.number and pull.head_sha and pull.base_ref):
        return None
    return EventTarget(
        sha=pull.head_sha,
        head_ref=pull.head_ref,
        head_repository=pull.head_repository,
        base_sha=pull.base_sha,
        base_ref=pull.base_ref,
        pull_request=pull.number,
        definition_ref=pull.base_ref,
        is_fork=pull.is_from_fork,
    )


def _of_push(payload: object, origin: Origin) -> EventTarget | None:
    ref, after = text(at(payload, "ref")), commit(at(payload, "after"))
    # Of an annotated tag, `after` is the tag's own object, and no commit.
    sha = commit(at(payload, "head_commit", "id")) if ref.startswith(_TAGS) else after
    if not after or not sha:
        return None
    branch = branch_name(ref)
    return EventTarget(
        sha=sha,
        head_ref=branch or ref.removeprefix(_TAGS),
        base_sha=commit(at(payload, "before")) if branch else "",
        definition_ref=sha if branch == origin.default_branch else origin.default_branch,
    )


def _of_group(group: object) -> EventTarget | None:
    sha, base = commit(at(group, "head_sha")), branch_name(at(group, "base_ref"))
    if not sha or not base:
        return None
    return EventTarget(
        sha=sha,
        head_ref=branch_name(at(group, "head_ref")),
        base_sha=commit(at(group, "base_sha")),
        base_ref=base,
        definition_ref=base,
    )


def _of_workflow_run(run: object, origin: Origin) -> EventTarget | None:
    sha = commit(at(run, "head_sha"))
    if not sha:
        return None
    head_repository = repository_name(at(run, "head_repository", "full_name"))
    return EventTarget(
        sha=sha,
        head_ref=text(at(run, "head_branch")),
        definition_ref=origin.default_branch,
        is_fork=head_repository.casefold() != origin.repository.casefold(),
    )

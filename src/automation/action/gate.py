"""Who may start a run, and where a fork's code may go. Pure.

A comment counts if a person has just written it, and as much as that person's role, which GitHub was asked
for. A fork's commit counts once somebody who may has named it in full: a short prefix can be forged in
minutes, and a push after the approval is another commit. It goes to a server that is set aside for forks.

The approval is a 40-digit SHA in the comment's first line, which has to be a command (`/…`): what is quoted
or shown as code below it approves nothing. Or it is the inputs `pr` and `sha` of a `workflow_dispatch`. Both
take somebody with write access. `sha` on other events approves nothing: a workflow could fill it with
whatever was pushed.
"""

import re
from collections.abc import Mapping
from typing import Any

from automation.action.context import Context
from automation.action.target import COMMENT, Target
from automation.definition.github_key import Forks, GitHubKey
from automation.definition.role import Role
from automation.errors import Refused
from automation.reasons import Reason

_SHAS = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{40}(?![0-9A-Za-z])")


def commenter(context: Context) -> str | None:
    """The login of the person whose role decides; None where the workflow is the gate.

    Raises:
        Refused: the comment is no new one of a person.
    """
    if context.event_name != COMMENT:
        return None
    comment = _mapping(context.event.get("comment"))
    user = _mapping(comment.get("user"))
    if context.event.get("action") != "created":
        raise Refused(
            "only new comments start a run, not edited or deleted ones; give the workflow "
            "`on: {issue_comment: {types: [created]}}`"
        )
    if user.get("type") != "User" or comment.get("performed_via_github_app"):
        raise Refused("the comment was not written by a person, so it starts nothing")
    return str(user.get("login") or "")


def check_fork(
    context: Context, target: Target, role: Role | None, settings: GitHubKey, sha: str, *, is_isolated: bool
) -> None:
    """Let a fork's commit through where it is approved and isolated; everything else passes.

    Args:
        role: of whoever commented.
        sha: the input.
        is_isolated: the server is one that is set aside for forks.

    Raises:
        Refused: with the way to get it through.
    """
    if not target.needs_gate:
        return
    if settings.forks is Forks.DENY:
        raise Refused(
            "the commit is a fork's, and this automation does not run on forks (`github.forks: deny`)"
        )
    approved = _approved(context, role, sha)
    if target.sha not in approved:
        if approved:
            raise Refused(
                f"the pull request is at {target.sha}, which is not the commit that was approved; "
                "look at what is new and approve that",
                reason=Reason.SHA_MOVED,
            )
        raise Refused(
            f"the commit {target.sha} is a fork's, and nobody with write access has approved it: look at it, "
            "then name it in full in a comment, in the line of the command, or start the workflow by hand with "
            "`pr` and `sha`",
            reason=Reason.FORK_NEEDS_APPROVAL,
        )
    if not is_isolated:
        raise Refused(
            "a fork's code does not run on a server that others use: set AUTOMATION_FORK_AGENT_SERVER_URL "
            "to one that is set aside for forks",
            reason=Reason.FORK_NEEDS_ISOLATION,
        )


def _approved(context: Context, role: Role | None, sha: str) -> frozenset[str]:
    match context.event_name:
        case "issue_comment" if role is not None and role >= Role.WRITE:
            body = str(_mapping(context.event.get("comment")).get("body") or "")
            command = next((line for line in body.splitlines() if line.strip()), "")
            shas = _SHAS.findall(command) if command.startswith("/") else ()
            return frozenset(found.lower() for found in shas)
        case "workflow_dispatch":
            return frozenset({sha} - {""})
        case _:
            return frozenset()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

"""The events that the bot itself acts on. Everything else is read as nothing, and may still trigger automations. Pure."""

from bot.events.check_run import ActionRequested, CheckRerequested, read_check_run
from bot.events.check_suite import SuiteRerequested
from bot.events.issue_comment import CommentCreated
from bot.events.pull_request import PullRequestMoved

type Event = CommentCreated | CheckRerequested | ActionRequested | SuiteRerequested | PullRequestMoved


def read_event(event: str, payload: object) -> Event | None:
    """What a delivery asks of the bot; None for nothing. Raises nothing, whatever the payload is.

    Args:
        event: the header `X-GitHub-Event`.
        payload: the body, parsed.
    """
    match event:
        case "issue_comment":
            return CommentCreated.read(payload)
        case "check_run":
            return read_check_run(payload)
        case "check_suite":
            return SuiteRerequested.read(payload)
        case "pull_request":
            return PullRequestMoved.read(payload)
        case _:
            return None

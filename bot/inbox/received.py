"""What is remembered of a delivery, which may have anything in it. Nothing here raises, or asks anybody."""

from collections.abc import Mapping
from typing import Any, Final

from bot.events.fields import at, number
from bot.github.hook import Attempt
from bot.store.deliveries import Delivery

MAX_TEXT: Final = 256
"""Characters that are remembered of a name; none of GitHub's is longer."""


def delivery_of(
    guid: str, event: str, payload: Mapping[str, Any], body: bytes, received_at: float, *, is_request: bool
) -> Delivery:
    """What is remembered of one that was taken in; its body only where it asks for something.

    Args:
        guid: its `X-GitHub-Delivery`; event: its `X-GitHub-Event`.
        payload: the body, parsed.
        received_at: Unix time in seconds.
    """
    repository = _text(at(payload, "repository", "full_name"))
    conversation = number(at(payload, "issue", "number")) or number(at(payload, "pull_request", "number"))
    return Delivery(
        guid=guid,
        event=event,
        action=_text(payload.get("action")),
        repository=repository,
        installation=number(at(payload, "installation", "id")),
        sender=_text(at(payload, "sender", "login")),
        lane=f"{repository}#{conversation}" if conversation else guid,
        received_at=received_at,
        payload=body if is_request else b"",
        is_request=is_request,
    )


def of_no_concern(attempt: Attempt) -> Delivery:
    """What is remembered of one from before the bot was there, so that it is never taken in."""
    return Delivery(
        guid=attempt.guid,
        event=attempt.event,
        action=attempt.action,
        repository="",
        installation=0,
        sender="",
        lane=attempt.guid,
        received_at=attempt.at,
        payload=b"",
        is_request=False,
    )


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""

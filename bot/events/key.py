"""What an event is called in a trigger's `on`: `<event>.<action>`, or `<event>` where it has no action. Pure.

The event's name is the header's, `X-GitHub-Event`. OpenHands guesses it from the payload's fields and so takes
`pull_request_review_comment` for `pull_request`, and a `check_suite` for nothing at all; for every event that
it fires on, the header says the same. Events that it does not know have keys here, too.

Source of the form: OpenHands automation 1.25.0.
"""

import re

from bot.events.fields import at, text

_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}")


def key_of(event: str, payload: object) -> str | None:
    """The key; None where the name is none that GitHub would give. Raises nothing, whatever the payload is.

    Args:
        event: the header `X-GitHub-Event`.
        payload: the body, parsed.
    """
    if not _EVENT.fullmatch(event):
        return None
    action = text(at(payload, "action"))
    return f"{event}.{action}" if action else event

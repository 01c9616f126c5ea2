"""Which events can matter at all, by their names: what is turned away here costs no look at its payload. Pure.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from typing import Final

CLICKS: Final = {
    "check_run": frozenset({"rerequested", "requested_action"}),
    "check_suite": frozenset({"rerequested"}),
}
"""Events that matter only where they are somebody's click, by the actions that are."""
OF_THE_HOOK: Final = frozenset({"ping", "meta"})
"""What GitHub says of the webhook itself."""
OF_EVERY_COMMIT: Final = frozenset({"status", "workflow_job"})
"""What every CI has many of for each commit, and `deployment*`: to look at each would cost more than it is worth."""


def may_trigger(event: str) -> bool:
    """Whether a trigger can be fulfilled by an event.

    Args:
        event: the header `X-GitHub-Event`.
    """
    is_many = event in OF_EVERY_COMMIT or event.startswith("deployment")
    return event not in CLICKS and event not in OF_THE_HOOK and not is_many


def may_ask(event: str, action: str) -> bool:
    """Whether a delivery can ask for something, as far as its name tells.

    Args:
        event: the header `X-GitHub-Event`.
        action: the payload's; empty for none.
    """
    return action in CLICKS[event] if event in CLICKS else may_trigger(event)

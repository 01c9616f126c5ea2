"""`check_run`: somebody pressed *Re-run* or a button of ours on a check run. Pure.

GitHub delivers the check runs of other Apps, too, and shows buttons to more people than may start a run: whose
check run it is, and what the sender may do, is for the reader to ask.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run
"""

from dataclasses import dataclass

from bot.events.fields import at, number, text
from bot.events.origin import Origin


@dataclass(frozen=True)
class CheckRerequested:
    """*Re-run* of one check run.

    Attributes:
        app_id: of the App that made the check run.
    """

    origin: Origin
    check_id: int
    app_id: int


@dataclass(frozen=True)
class ActionRequested:
    """One of the check run's own buttons.

    Attributes:
        identifier: which button, in the words of whoever made the check run.
    """

    origin: Origin
    check_id: int
    app_id: int
    identifier: str


def read_check_run(payload: object) -> CheckRerequested | ActionRequested | None:
    """What was asked for; None for other actions, and for a payload that does not name the check run."""
    origin, check = Origin.read(payload), at(payload, "check_run")
    check_id, app_id = number(at(check, "id")), number(at(check, "app", "id"))
    if not (origin and check_id and app_id):
        return None
    match at(payload, "action"):
        case "rerequested":
            return CheckRerequested(origin, check_id, app_id)
        case "requested_action":
            identifier = text(at(payload, "requested_action", "identifier"))
            return ActionRequested(origin, check_id, app_id, identifier)
        case _:
            return None

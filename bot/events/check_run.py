"""`check_run`: somebody pressed *Re-run* or a button of ours on a check run. Pure.

GitHub delivers the check runs of other Apps, too, and shows buttons to more people than may start a run: whose
check run it is, and what the sender may do, is for the reader to ask.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run
"""

from dataclasses import dataclass

from bot.events.fields import at, commit, number, text
from bot.events.origin import Origin


@dataclass(frozen=True)
class CheckRerequested:
    """*Re-run* of one check run.

    Attributes:
        external_id: what its writer noted there; anybody who may write checks can write anything.
        app_id: of the App that made the check run.
    """

    origin: Origin
    check_id: int
    external_id: str
    head_sha: str
    app_id: int


@dataclass(frozen=True)
class ActionRequested:
    """One of the check run's own buttons.

    Attributes:
        identifier: which button, in the words of whoever made the check run.
    """

    origin: Origin
    check_id: int
    external_id: str
    head_sha: str
    app_id: int
    identifier: str


def read_check_run(payload: object) -> CheckRerequested | ActionRequested | None:
    """What was asked for; None for other actions, and for a payload that does not name the check run."""
    origin, check = Origin.read(payload), at(payload, "check_run")
    check_id, head_sha = number(at(check, "id")), commit(at(check, "head_sha"))
    app_id = number(at(check, "app", "id"))
    if not (origin and check_id and head_sha and app_id):
        return None
    external_id = text(at(check, "external_id"))
    match at(payload, "action"):
        case "rerequested":
            return CheckRerequested(origin, check_id, external_id, head_sha, app_id)
        case "requested_action":
            identifier = text(at(payload, "requested_action", "identifier"))
            return ActionRequested(origin, check_id, external_id, head_sha, app_id, identifier)
        case _:
            return None

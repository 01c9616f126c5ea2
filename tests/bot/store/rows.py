"""What the rows' tests are made of."""

from typing import Any
from uuid import uuid4

from automation.reasons import Conclusion, Reason
from bot.runs.run import End, Run
from bot.store.deliveries import Delivery

NOW = 1_800_000_000.0
SUCCESS = End(Conclusion.SUCCESS, Reason.OK, "The automation succeeded.")


def a_run(**changes: Any) -> Run:
    known: dict[str, Any] = {
        "id": uuid4(),
        "repository": "octo/demo",
        "installation": 7,
        "automation": "review",
        "name": "Review",
        "definition_sha": "d" * 40,
        "head_sha": "a" * 40,
        "accepted_at": NOW,
    }
    return Run(**known | changes)


def a_delivery(**changes: Any) -> Delivery:
    guid = str(uuid4())
    known: dict[str, Any] = {
        "guid": guid,
        "event": "issue_comment",
        "action": "created",
        "repository": "octo/demo",
        "installation": 7,
        "sender": "alice",
        "lane": guid,
        "received_at": NOW,
        "payload": b'{"action": "created"}',
        "is_request": True,
    }
    return Delivery(**known | changes)

"""Webhooks and deliveries as GitHub's API shows them."""

from typing import Any

from tests.fakes.github.clock import stamp
from tests.fakes.github.webhooks import Delivery, Webhook

HIDDEN = "********"


def config(shown: Webhook) -> dict[str, Any]:
    found = {"content_type": "json", "insecure_ssl": "0", "url": shown.url}
    return found | ({"secret": HIDDEN} if shown.secret else {})


def delivery(shown: Delivery) -> dict[str, Any]:
    """As it stands in the list."""
    return {
        "id": shown.id,
        "guid": shown.guid,
        "delivered_at": stamp(shown.at),
        "redelivery": shown.is_redelivery,
        "duration": shown.duration,
        "status": shown.status,
        "status_code": shown.status_code,
        "event": shown.event,
        "action": shown.action,
        "installation_id": shown.installation_id,
        "repository_id": shown.repository_id,
        "throttled_at": None,
    }


def whole_delivery(shown: Delivery) -> dict[str, Any]:
    """With what was sent and what came back."""
    return {
        **delivery(shown),
        "url": shown.hook.url,
        "request": {"headers": shown.headers, "payload": shown.payload},
        "response": {
            "headers": shown.answer_headers,
            "payload": shown.answer_body.decode(errors="replace"),
        },
    }

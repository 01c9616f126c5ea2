"""The webhook of an App, and what was delivered to it: https://docs.github.com/rest/apps/webhooks.

Ours, because sources are silent: an App without a webhook is answered 404, an unknown cursor 422, and what is
still on its way is not listed. Cursors mean nothing to a client, and here not even the id that is in them.
"""

import base64
import binascii
from typing import Any
from urllib.parse import quote, urlencode

from tests.fakes.github.access import Credential
from tests.fakes.github.answers import Answer, invalid, not_found
from tests.fakes.github.paging import size_of
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import hooks as views
from tests.fakes.github.webhooks import KEPT, Delivery, Webhook

OUTCOMES = {"success": range(200, 400), "failure": range(400, 600)}


def config(exchange: Exchange) -> Answer:
    return Answer(200, views.config(_hook(exchange)))


def deliveries(exchange: Exchange) -> Answer:
    """The newest first; a cursor names the delivery that a page begins with."""
    _hook(exchange)
    status = exchange.query.get("status")
    if status not in {None, *OUTCOMES}:
        raise invalid(f"For 'properties/status', {status!r} is not a member of {list(OUTCOMES)}.")
    found = [each for each in _kept(exchange) if status is None or each.status_code in OUTCOMES[status]]
    found.reverse()
    size = size_of(exchange.query)
    start = _start(found, exchange.query.get("cursor"))
    neighbours = {"prev": start - size if start else None, "next": start + size}
    links = [
        _link(exchange, found[max(at, 0)].id, relation)
        for relation, at in neighbours.items()
        if at is not None and at < len(found)
    ]
    shown = [views.delivery(each) for each in found[start : start + size]]
    return Answer(200, shown, {"link": ", ".join(links)} if links else {})


def show(exchange: Exchange) -> Answer:
    return Answer(200, views.whole_delivery(_delivery(exchange)))


def attempt(exchange: Exchange) -> Answer:
    """Sends it again, later: the answer tells nothing of how that ends."""
    exchange.app.redeliver(_delivery(exchange).guid)
    return Answer(202, {})


def _hook(exchange: Exchange) -> Webhook:
    if exchange.app.webhook is None:
        raise not_found()
    return exchange.app.webhook


def _kept(exchange: Exchange) -> list[Delivery]:
    since = exchange.world.clock.now() - KEPT
    return [each for each in exchange.app.deliveries if each.is_over and each.at >= since]


def _delivery(exchange: Exchange) -> Delivery:
    identity = exchange.number("delivery_id")
    found = next((each for each in _kept(exchange) if each.id == identity), None)
    if found is None:
        raise not_found()
    return found


def _start(found: list[Delivery], cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        identity = int(base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error):
        raise invalid("Invalid cursor.") from None
    return next((at for at, each in enumerate(found) if each.id <= identity), len(found))


def _link(exchange: Exchange, identity: int, relation: str) -> str:
    cursor = base64.urlsafe_b64encode(str(identity).encode()).decode()
    query: dict[str, Any] = {**exchange.query, "cursor": cursor}
    return f'<{exchange.world.url}{quote(exchange.recorded.path)}?{urlencode(query)}>; rel="{relation}"'


DELIVERIES = "/app/hook/deliveries"
ROUTES = (
    Route("GET", "/app/hook/config", Credential.JWT, config),
    Route("GET", DELIVERIES, Credential.JWT, deliveries),
    Route("GET", f"{DELIVERIES}/{{delivery_id}}", Credential.JWT, show),
    Route("POST", f"{DELIVERIES}/{{delivery_id}}/attempts", Credential.JWT, attempt),
)

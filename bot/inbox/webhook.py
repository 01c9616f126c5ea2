"""`POST /webhook`: proved to be GitHub's before anything of it is parsed, stored before it is acknowledged.

    202     it is stored, now or before
    400     signed, but no delivery: no GUID, no event's name, no JSON object
    401     the signature is missing or wrong; nothing has been parsed, or even read where it cannot be right
    408     the body did not arrive in time
    413     the body is larger than GitHub's largest; the rest is not read
    415     signed, but not JSON: the webhook's content type is set wrong
    503     it is not stored: shutting down, too much at once, trouble with the database

The answers are read by people, under "Recent deliveries" in the App's settings.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.events.signature import Signature
from bot.inbox.inbox import Inbox, NotTaken
from bot.set_up.manifest import WEBHOOK

LIMIT: Final = 25 * 1024 * 1024
"""Bytes of GitHub's largest payload."""

FREE: Final = 64 * 1024
"""Bytes that each body may have in any case: nearly all deliveries are smaller."""

SPACE: Final = 4 * LIMIT
"""Bytes of all bodies that are in memory at once, beyond those: strangers can send some, too."""

PATIENCE: Final = 10.0
"""Seconds for a body to arrive: GitHub hangs up then.

Source: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNATURE: Final = re.compile(r"sha256=[0-9a-f]{64}")
_EVENT: Final = re.compile(r"[A-Za-z0-9_]{1,100}")


def webhook_route(inbox: Inbox, secret: bytes, *, limit: int = LIMIT) -> Route:
    """The route that takes deliveries.

    Args:
        secret: the webhook's.
        limit: bytes of a body.
    """
    space = _Space()

    async def receive(request: Request) -> Response:
        with space.taken() as part:
            body = await _signed_body(request, secret, limit, part)
            guid, event = _headers(request)
            try:
                is_new = await inbox.take(guid, event, _parsed(body), body)
            except NotTaken as error:
                raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, error.sentence) from None
        return PlainTextResponse("stored" if is_new else "known already", HTTPStatus.ACCEPTED)

    return Route(WEBHOOK, receive, methods=["POST"])


class _Space:
    """The memory that large bodies share."""

    def __init__(self) -> None:
        self.used = 0

    @contextmanager
    def taken(self) -> Iterator["_Part"]:
        part = _Part(self)
        try:
            yield part
        finally:
            self.used -= part.shared


class _Part:
    """One body's part of it.

    Attributes:
        size: bytes of the body so far; shared: those of the space.
    """

    def __init__(self, space: _Space) -> None:
        self.size = 0
        self.shared = 0
        self._space = space

    def grow(self, size: int) -> None:
        self.size += size
        more = max(self.size - FREE, 0) - self.shared
        if self._space.used + more > SPACE:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE, "Too much arrives at once; deliver this again later"
            )
        self.shared += more
        self._space.used += more


async def _signed_body(request: Request, secret: bytes, limit: int, part: _Part) -> bytes:
    """The body, proved to be of whoever knows the secret."""
    given = request.headers.get("x-hub-signature-256", "")
    if not _SIGNATURE.fullmatch(given):
        raise _unsigned()
    signature = Signature(secret)
    chunks = []
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                part.grow(len(chunk))
                if part.size > limit:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A delivery has at most {limit} bytes"
                    )
                signature.feed(chunk)
                chunks.append(chunk)
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time") from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is not complete") from None
    if not signature.matches(given.encode()):
        raise _unsigned()
    return b"".join(chunks)


def _unsigned() -> HTTPException:
    return HTTPException(
        HTTPStatus.UNAUTHORIZED,
        "X-Hub-Signature-256 is missing or is not made with the bot's webhook secret. Both have to have the "
        "same secret: the webhook in the App's settings, and the bot in BOT_WEBHOOK_SECRET",
    )


def _headers(request: Request) -> tuple[str, str]:
    """GUID and event of a delivery that is JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The bot reads JSON. Set the webhook's content type to application/json in the App's settings",
        )
    guid = request.headers.get("x-github-delivery", "").lower()
    event = request.headers.get("x-github-event", "")
    if not _GUID.fullmatch(guid):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "X-GitHub-Delivery is not a GUID")
    if not _EVENT.fullmatch(event):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "X-GitHub-Event is not the name of an event")
    return guid, event


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The body is not a JSON object")
    return payload

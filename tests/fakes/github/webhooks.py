"""What GitHub sends to Apps: one delivery after the other, in the order in which things happened.

A delivery is a signed POST that is tried once. Whatever comes back, or nothing at all, is recorded and nothing
is repeated unless a test (or a client of the API) asks for it, under the GUID of the first try. The words in
`status` are close to GitHub's and nobody may rely on them; `status_code` counts.

Headers: https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
Signature: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
Time: https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds
"""

import hashlib
import hmac
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

ANSWER_WITHIN = 10.0
SETTLED_WITHIN = 30.0
END_WITHIN = 5.0
# Kept for three days: https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
KEPT = 3 * 24 * 3600
JSON = "application/json"


@dataclass
class Webhook:
    """Where an App wants to be told.

    Attributes:
        secret: signs the deliveries; empty for none, and then they have no signature.
        is_active: whether anything is sent.
    """

    id: int
    url: str
    secret: str = field(default="", repr=False)
    is_active: bool = True


@dataclass
class Delivery:
    """One try to tell an App about one event.

    Attributes:
        guid: the same for every try.
        at: seconds since 1970 at the fake, when it happened.
        body: as it is sent.
        headers: as they are sent.
        status_code: of the answer; 0 while there is none, 502 for no connection, 504 for none in time.
        answer_headers: names in lower case.
        duration: seconds.
        is_redelivery: whether somebody asked for this try.
    """

    id: int
    guid: str
    hook: Webhook
    event: str
    action: str | None
    body: bytes
    at: float
    installation_id: int | None = None
    repository_id: int | None = None
    is_redelivery: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    status: str = "pending"
    status_code: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer_body: bytes = b""
    duration: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    @property
    def is_over(self) -> bool:
        """Whether it was sent and something came of it."""
        return self._over.is_set()

    @property
    def is_failed(self) -> bool:
        """Whether GitHub shows it as failed."""
        return self.is_over and not 200 <= self.status_code < 400

    def wait(self, timeout: float = SETTLED_WITHIN) -> Self:
        """Itself, once it is over.

        Raises:
            AssertionError: it is not, within so many seconds.
        """
        assert self._over.wait(timeout), f"the delivery {self} was not sent within {timeout:g} s"
        return self

    def end(self, status: str, status_code: int) -> None:
        self.status, self.status_code = status, status_code
        self._over.set()

    def __str__(self) -> str:
        name = f"{self.event}.{self.action}" if self.action else self.event
        return f"{name} {self.guid} to {self.hook.url} -> {self.status_code or 'pending'}"


def sign(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    """What `X-Hub-Signature-256` says of a body."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def encode(payload: Mapping[str, Any] | bytes) -> bytes:
    """A payload as it is sent: compact JSON in UTF-8; bytes stay as they are."""
    if isinstance(payload, bytes):
        return payload
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def new_guid() -> str:
    return str(uuid.uuid1())


def headers_of(delivery: Delivery, app_id: int) -> dict[str, str]:
    hook = delivery.hook
    headers = {
        "Accept": "*/*",
        "Content-Type": JSON,
        "User-Agent": f"GitHub-Hookshot/{hashlib.sha256(hook.url.encode()).hexdigest()[:7]}",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(app_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if hook.secret:
        headers["X-Hub-Signature"] = sign(hook.secret, delivery.body, "sha1")
        headers["X-Hub-Signature-256"] = sign(hook.secret, delivery.body)
    return headers


class Outbox:
    """Sends deliveries from a thread of its own, which starts with the first of them.

    Attributes:
        timeout: seconds that a receiver has for each of its steps.
    """

    def __init__(self) -> None:
        self.timeout = ANSWER_WITHIN
        self._changed = threading.Condition()
        self._waiting: deque[Delivery] = deque()
        self._sending: Delivery | None = None
        self._is_open = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """From now on it sends, first what has waited."""
        with self._changed:
            self._is_open = True
            self._start()

    def close(self) -> None:
        """Ends the thread; what has not been sent waits for `open`."""
        with self._changed:
            self._is_open = False
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is not None:
            thread.join(self.timeout + END_WITHIN)
            assert not thread.is_alive(), "the webhooks' sender did not end"

    def put(self, delivery: Delivery) -> None:
        with self._changed:
            self._waiting.append(delivery)
            self._start()
            self._changed.notify_all()

    def settle(self, timeout: float) -> None:
        """Returns when nothing is waiting or under way.

        Raises:
            AssertionError: something still is, after so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._waiting and self._sending is None, timeout):
                left = [*([self._sending] if self._sending else []), *self._waiting]
                shown = "\n".join(f"  {delivery}" for delivery in left)
                raise AssertionError(f"{len(left)} deliveries are not over after {timeout:g} s:\n{shown}")

    def _start(self) -> None:
        if self._is_open and self._waiting and self._thread is None:
            self._thread = threading.Thread(target=self._work, name="fake GitHub's webhooks", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        # Every delivery comes over a connection of its own: a receiver may be killed in between.
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(trust_env=False, limits=limits) as http:
            while (delivery := self._next()) is not None:
                self._send(http, delivery)
                with self._changed:
                    self._sending = None
                    self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._is_open)
            if not self._is_open:
                return None
            self._sending = self._waiting.popleft()
            return self._sending

    def _send(self, http: httpx.Client, delivery: Delivery) -> None:
        began = time.monotonic()
        try:
            answer = http.post(
                delivery.hook.url, content=delivery.body, headers=delivery.headers, timeout=self.timeout
            )
        except httpx.TimeoutException:
            ended = ("timed out", 504)
        except (httpx.HTTPError, httpx.InvalidURL):
            ended = ("failed to connect to host", 502)
        else:
            delivery.answer_headers, delivery.answer_body = dict(answer.headers), answer.content
            words = "OK" if answer.status_code < 400 else f"Invalid HTTP Response: {answer.status_code}"
            ended = (words, answer.status_code)
        delivery.duration = round(time.monotonic() - began, 2)
        delivery.end(*ended)

"""What arrives is proved, then read, then stored; everything else is refused with a reason."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inbox import webhook
from bot.store.deliveries import DeliveryRows
from tests.bot.inbox.receiver import COMMENT, EVENT, SECRET, Receiver, guid, receiving, signed

BODY = json.dumps(COMMENT).encode()
MEBIBYTE = 1024 * 1024
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "action": JSON,
        "repository": JSON | st.fixed_dictionaries({"full_name": JSON}),
        "installation": JSON | st.fixed_dictionaries({"id": JSON}),
        "other": JSON,
    },
)
HEADERS = st.binary(max_size=60).filter(lambda value: not set(value) & set(b"\r\n\0"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Receiver]:
    """One for many examples."""
    async with receiving(tmp_path_factory.mktemp("webhook") / "bot.db") as receiver:
        yield receiver


async def test_a_delivery_is_stored_before_it_is_acknowledged(receiver: Receiver) -> None:
    name = guid()
    answer = await receiver.post(x_github_delivery=name)
    assert (answer.status_code, answer.text) == (202, "stored")
    (request,) = await receiver.requests()
    assert (request.delivery, request.event) == (name, EVENT)
    assert await receiver.payloads() == {name: COMMENT}
    assert receiver.inbox.arrived.is_set()


async def test_a_delivery_that_arrives_again_changes_nothing(receiver: Receiver) -> None:
    name = guid()
    await receiver.post(x_github_delivery=name)
    for again in (name, name.upper()):
        answer = await receiver.post({"action": "other"}, x_github_delivery=again)
        assert (answer.status_code, answer.text) == (202, "known already")
    assert await receiver.payloads() == {name: COMMENT}


async def test_what_is_about_one_pull_request_is_of_one_lane(receiver: Receiver) -> None:
    """Only the first one of a lane is due."""
    sender = {"login": "alice"}
    comment = COMMENT | {"issue": {"number": 7}, "sender": sender}
    first, other, alone, another = (guid() for _ in range(4))
    for name, payload in (
        (first, comment),
        (guid(), COMMENT | {"pull_request": {"number": 7}}),
        (other, COMMENT | {"pull_request": {"number": 8}}),
        (alone, COMMENT),
        (another, COMMENT | {"issue": {"number": "7"}}),
    ):
        await receiver.post(payload, x_github_delivery=name)
    found = await receiver.requests()
    assert [each.delivery for each in found] == [first, other, alone, another]
    assert (found[0].repository, found[0].sender, found[1].sender) == ("octo/demo", "alice", "")


@pytest.mark.parametrize("event", ["ping", "push", "check_suite", "made_up_2"])
async def test_what_asks_for_nothing_is_only_remembered(receiver: Receiver, event: str) -> None:
    name = guid()
    assert (
        await receiver.post({"zen": "x"}, x_github_delivery=name, x_github_event=event)
    ).status_code == 202
    assert await DeliveryRows(receiver.database).known([name]) == {name}
    assert await receiver.requests() == []
    assert not receiver.inbox.arrived.is_set()


def altered(signature: str) -> dict[str, str | None]:
    return {
        "missing": None,
        "empty": "",
        "sha1": "sha1=" + hmac.new(SECRET, BODY, "sha1").hexdigest(),
        "sha1 of the right length": signature.replace("sha256", "sha1"),
        "bare": signature.removeprefix("sha256="),
        "one digit": signature[:-1] + ("0" if signature[-1] != "0" else "1"),
        "shorter": signature[:-1],
        "longer": signature + "0",
        "not ASCII": signature[:-1] + "\xe9",
        "another secret": "sha256=" + hmac.new(b"x", BODY, hashlib.sha256).hexdigest(),
    }


@pytest.mark.parametrize("what", altered("sha256=0"))
async def test_a_wrong_signature_is_refused(receiver: Receiver, what: str) -> None:
    headers: dict[str, Any] = signed(BODY)
    given = altered(headers.pop("x-hub-signature-256"))[what]
    if given is not None:
        headers["x-hub-signature-256"] = given.encode("latin-1")
    answer = await receiver.send(BODY, headers)
    assert answer.status_code == 401
    assert "BOT_WEBHOOK_SECRET" in answer.text
    assert SECRET.decode() not in answer.text
    assert await DeliveryRows(receiver.database).known([headers["x-github-delivery"]]) == frozenset()


async def test_a_body_that_was_changed_is_refused(receiver: Receiver) -> None:
    for body in (
        BODY + b" ",
        BODY.replace(b"created", b"deleted"),
        json.dumps(COMMENT, indent=1).encode(),
        b"",
    ):
        assert (await receiver.send(body, signed(BODY))).status_code == 401
    assert await receiver.requests() == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "sentence"),
    [
        (BODY, {"content_type": None}, 415, "content type to application/json"),
        (
            BODY,
            {"content_type": "application/x-www-form-urlencoded"},
            415,
            "content type to application/json",
        ),
        (BODY, {"content_type": "text/json"}, 415, "content type to application/json"),
        (BODY, {"x_github_delivery": None}, 400, "X-GitHub-Delivery is not a GUID"),
        (BODY, {"x_github_delivery": "1"}, 400, "X-GitHub-Delivery is not a GUID"),
        (BODY, {"x_github_delivery": guid() + "0"}, 400, "X-GitHub-Delivery is not a GUID"),
        (BODY, {"x_github_event": None}, 400, "X-GitHub-Event is not the name"),
        (BODY, {"x_github_event": "a b"}, 400, "X-GitHub-Event is not the name"),
        (BODY, {"x_github_event": "a" * 101}, 400, "X-GitHub-Event is not the name"),
        (b"", {}, 400, "not a JSON object"),
        (b"null", {}, 400, "not a JSON object"),
        (b"[{}]", {}, 400, "not a JSON object"),
        (b'{"a": 1', {}, 400, "not a JSON object"),
        (b"payload=%7B%7D", {}, 400, "not a JSON object"),
        (b"\xff\xfe{\x00}", {}, 400, "not a JSON object"),
        (b'{"a": ' * 200_000, {}, 400, "not a JSON object"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", {}, 400, "not a JSON object"),
        (b'{"a": ' + b"9" * 10_000 + b"}", {}, 400, "not a JSON object"),
    ],
)
async def test_what_is_signed_but_no_delivery_is_refused(
    receiver: Receiver, body: bytes, headers: dict[str, str | None], status: int, sentence: str
) -> None:
    answer = await receiver.post(body, **headers)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert await receiver.requests() == []


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", " application/json ;x"]
)
async def test_json_is_json(receiver: Receiver, kind: str) -> None:
    assert (await receiver.post(content_type=kind)).status_code == 202


async def test_names_of_headers_may_be_written_in_any_way(receiver: Receiver) -> None:
    headers = {name.upper(): value for name, value in signed(BODY).items()}
    assert (await receiver.send(BODY, headers)).status_code == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_a_webhook_is_posted(receiver: Receiver, method: str) -> None:
    assert (await receiver.http.request(method, "/webhook")).status_code == 405


class Pieces:
    """A body that counts how much of it was wanted."""

    def __init__(self, count: int, size: int = MEBIBYTE) -> None:
        self.count = count
        self.size = size
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _count in range(self.count):
            self.sent += 1
            yield b" " * self.size


def never(*_arguments: object, **_named: object) -> None:
    raise AssertionError


@pytest.mark.parametrize("length", [None, 26 * MEBIBYTE, 5])
async def test_a_body_that_is_too_large_is_neither_read_nor_parsed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, length: int | None
) -> None:
    monkeypatch.setattr(webhook, "_parsed", never)
    pieces = Pieces(40)
    headers = signed(b" " * 40 * MEBIBYTE) | ({"content-length": str(length)} if length else {})
    answer = await receiver.send(pieces, headers)
    assert (answer.status_code, answer.text) == (413, f"A delivery has at most {25 * MEBIBYTE} bytes")
    assert pieces.sent == 26


async def test_the_largest_body_is_taken(path: Path) -> None:
    async with receiving(path, limit=1000) as receiver:
        document = json.dumps({"text": "x" * 988}).encode()
        assert len(document) == 1000
        assert (await receiver.post(document)).status_code == 202
        assert (await receiver.post(document + b" ")).status_code == 413


async def test_all_bodies_together_have_a_bound(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "SPACE", 3 * MEBIBYTE)
    here = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b" " * 3 * MEBIBYTE
        here.set()
        await asyncio.sleep(60)

    headers = signed(b"")
    waiting = asyncio.create_task(receiver.send(slow(), headers))
    await here.wait()
    refused = await receiver.send(Pieces(2), headers)
    assert (refused.status_code, "at once" in refused.text) == (503, True)
    assert (await receiver.post()).status_code == 202
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (await receiver.send(Pieces(2), headers)).status_code == 401


@pytest.mark.parametrize(
    "signature", [None, "", "sha1=" + "0" * 40, "sha256=" + "0" * 63, "sha256=" + "x" * 64]
)
async def test_what_cannot_be_signed_is_not_read(receiver: Receiver, signature: str | None) -> None:
    pieces = Pieces(3)
    answer = await receiver.send(pieces, signed(b"", x_hub_signature_256=signature))
    assert answer.status_code == 401
    assert pieces.sent == 0


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PATIENCE", 0.05)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    assert (await receiver.send(drip(), signed(BODY))).status_code == 408


async def test_who_hangs_up_has_sent_nothing(receiver: Receiver) -> None:
    messages = iter([{"type": "http.request", "body": BODY, "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []
    headers = [(name.encode(), value.encode()) for name, value in signed(BODY).items()]

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": headers, "query_string": b""}
    await receiver.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert await receiver.requests() == []


@settings(deadline=None)
@given(body=st.binary(max_size=300) | st.just(BODY), values=st.tuples(HEADERS, HEADERS, HEADERS, HEADERS))
async def test_strangers_are_refused_whatever_they_send(
    shared: Receiver, body: bytes, values: tuple[bytes, ...]
) -> None:
    answer = await shared.send(body, dict(zip(signed(b""), values, strict=True)))
    assert answer.status_code == 401


@settings(deadline=None)
@given(
    body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
    event=st.sampled_from([EVENT, "push"]) | HEADERS,
    name=st.uuids().map(str) | HEADERS,
    kind=st.sampled_from(["application/json", "text/plain"]) | HEADERS,
)
async def test_nothing_that_is_signed_is_an_error_of_ours(
    shared: Receiver, body: bytes, event: str | bytes, name: str | bytes, kind: str | bytes
) -> None:
    headers: dict[str, str | bytes] = dict(signed(body))
    headers |= {"x-github-event": event, "x-github-delivery": name, "content-type": kind}
    assert (await shared.send(body, headers)).status_code in {202, 400, 415}


@settings(deadline=None)
@given(OBJECTS)
async def test_any_object_is_stored(shared: Receiver, document: dict[str, object]) -> None:
    answer = await shared.post(document)
    assert (answer.status_code, answer.text) == (202, "stored")


async def test_the_answer_is_for_people(receiver: Receiver) -> None:
    answer = await receiver.post(b"x")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"

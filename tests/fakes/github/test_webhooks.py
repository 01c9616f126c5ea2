"""Deliveries: signed, in order, tried once, recorded, and sent again only when somebody asks."""

import hashlib
import hmac
import json
import re
import socket
import threading

import pytest

from tests.fakes.github.apps import App
from tests.fakes.github.conftest import BOT, SECRET, Connect, Demo
from tests.fakes.github.receiving import Receiver
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub


@pytest.fixture
def repository(octo: FakeGitHub, demo: Demo) -> Repository:
    found = octo.repository_named("octo/demo")
    found.pull(7, head=demo.head)
    return found


def told(app: App) -> list[str]:
    return [f"{each.event}.{each.action}" if each.action else each.event for each in app.deliveries]


def test_a_comment_is_told_and_signed(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    comment = repository.pull(7).comment("/run-automation größe 🦀", author="alice")
    octo.settle()
    (received,) = receiver.received
    (delivery,) = bot.deliveries
    assert delivery.status_code == 202
    digest = hmac.new(SECRET.encode(), received.body, hashlib.sha256).hexdigest()
    expected = {
        "x-hub-signature-256": f"sha256={digest}",
        "x-github-event": "issue_comment",
        "x-github-delivery": delivery.guid,
        "x-github-hook-id": str(delivery.hook.id),
        "x-github-hook-installation-target-id": str(bot.id),
        "x-github-hook-installation-target-type": "integration",
        "content-type": "application/json",
    }
    assert {name: received.headers[name] for name in expected} == expected
    assert received.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", delivery.guid)
    assert "größe 🦀".encode() in received.body
    shown = json.loads(received.body)
    assert shown["action"] == "created"
    assert shown["installation"]["id"] == bot.installations[0].id
    assert (shown["comment"]["id"], shown["comment"]["user"]["login"]) == (comment.id, "alice")
    assert shown["issue"]["number"] == 7
    assert shown["issue"]["pull_request"]["url"] == f"{octo.url}/repos/octo/demo/pulls/7"
    assert shown["sender"]["login"] == "alice"
    assert shown["repository"]["full_name"] == "octo/demo"


def test_an_app_without_a_secret_gets_no_signature(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    bot.hook(receiver.url)
    repository.comment(7, "hello")
    octo.settle()
    assert not [name for name in receiver.received[0].headers if "signature" in name]


def test_what_happens_is_told_in_its_order(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    receiver.go.clear()
    for number in range(20):
        repository.comment(7, str(number))
    receiver.go.set()
    octo.settle()
    bodies = [json.loads(each.body)["comment"]["body"] for each in receiver.received]
    assert bodies == [str(number) for number in range(20)]


def test_a_failed_delivery_is_recorded_and_not_repeated(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    receiver.status = 503
    repository.comment(7, "hello")
    octo.settle()
    (delivery,) = bot.deliveries
    assert (delivery.status_code, delivery.is_failed, len(receiver.received)) == (503, True, 1)


def test_nobody_there_is_recorded_too(octo: FakeGitHub, bot: App, repository: Repository) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bot.hook(f"http://127.0.0.1:{port}/webhook", SECRET)
    repository.comment(7, "hello")
    octo.settle()
    assert (bot.deliveries[0].status_code, bot.deliveries[0].status) == (502, "failed to connect to host")


def test_a_receiver_has_ten_seconds(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    assert octo.world.outbox.timeout == 10
    octo.world.outbox.timeout = 0.2
    receiver.go.clear()
    repository.comment(7, "hello")
    octo.settle()
    assert (bot.deliveries[0].status_code, bot.deliveries[0].status) == (504, "timed out")


def test_who_waits_too_short_is_told_what_is_left(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    receiver.go.clear()
    repository.comment(7, "one")
    repository.comment(7, "two")
    with pytest.raises(AssertionError, match=r"2 deliveries are not over.*\n  issue_comment.created"):
        octo.settle(0.1)
    with pytest.raises(AssertionError, match="was not sent within"):
        bot.deliveries[0].wait(0.1)
    receiver.go.set()
    octo.settle()


def test_a_delivery_is_sent_again_under_its_guid(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    repository.comment(7, "hello")
    first = bot.deliveries[0].wait()
    again = bot.redeliver(first.guid).wait()
    assert (again.guid, again.body, again.is_redelivery) == (first.guid, first.body, True)
    assert again.id != first.id
    one, other = receiver.received
    assert (one.body, one.headers["x-github-delivery"]) == (other.body, other.headers["x-github-delivery"])
    with pytest.raises(AssertionError, match="nothing was ever sent"):
        bot.redeliver("absent")


def test_a_test_sends_what_it_likes(bot: App, receiver: Receiver) -> None:
    payload = {"action": "pinned", "installation": {"id": 42}}
    delivery = bot.post("issues", payload, "00000000-0000-0000-0000-000000000001").wait()
    assert (delivery.event, delivery.action, delivery.installation_id) == ("issues", "pinned", 42)
    assert delivery.payload == payload
    bot.post("issues", b"{").wait()
    assert receiver.received[1].body == b"{"


@pytest.mark.parametrize("case", ["no hook", "inactive", "not installed", "not asked", "suspended"])
def test_nobody_is_told_who(case: str, octo: FakeGitHub, repository: Repository, receiver: Receiver) -> None:
    events = ["pull_request"] if case == "not asked" else None
    app = octo.app("other-bot", BOT, events=events)
    if case != "no hook":
        app.hook(receiver.url, active=case != "inactive")
    if case != "not installed":
        app.install("octo/demo")
    if case == "suspended":
        app.installations[0].suspend()
    octo.settle()
    app.deliveries.clear()
    repository.comment(7, "hello")
    assert told(app) == []


def test_an_app_asks_only_for_what_it_may_read(octo: FakeGitHub) -> None:
    with pytest.raises(ValueError, match="issues: read to be told of issue_comment"):
        octo.app("other-bot", {"pull_requests": "write"}, events=["issue_comment"])
    assert octo.app("third-bot", {"pull_requests": "write"}).events == ["pull_request"]


def test_closing_ends_the_sender_and_starting_goes_on(
    octo: FakeGitHub, bot: App, repository: Repository, receiver: Receiver
) -> None:
    octo.close()
    repository.comment(7, "while it was away")
    assert not bot.deliveries[0].is_over
    assert "fake GitHub's webhooks" not in {thread.name for thread in threading.enumerate()}
    octo.start()
    octo.settle()
    assert len(receiver.received) == 1


def test_what_an_app_writes_is_told_as_a_bots(
    octo: FakeGitHub, bot: App, repository: Repository, connect: Connect
) -> None:
    http = connect(octo, bot.token().value)
    url = http.post("/repos/octo/demo/issues/7/comments", json={"body": "one"}).json()["url"]
    http.patch(url, json={"body": "two"})
    http.delete(url)
    assert told(bot) == ["issue_comment.created", "issue_comment.edited", "issue_comment.deleted"]
    created, edited, _ = (each.payload for each in bot.deliveries)
    assert created["sender"]["type"] == created["comment"]["user"]["type"] == "Bot"
    assert created["comment"]["user"]["login"] == "our-bot[bot]"
    assert created["comment"]["performed_via_github_app"]["id"] == bot.id
    assert edited["changes"] == {"body": {"from": "one"}}

"""Deliveries over the API: listed in pages, read with what was sent, sent again, forgotten after three days."""

import httpx
import pytest

from tests.fakes.github.apps import App
from tests.fakes.github.conftest import Connect
from tests.fakes.github.receiving import Receiver
from tests.fakes.github.server import FakeGitHub

DELIVERIES = "/app/hook/deliveries"


@pytest.fixture
def http(octo: FakeGitHub, bot: App, connect: Connect) -> httpx.Client:
    """Speaks as the App."""
    return connect(octo, bot.jwt())


def send(bot: App, *names: str) -> list[int]:
    return [bot.post("issues", {"action": name}).wait().id for name in names]


def test_the_hook_is_told_without_its_secret(http: httpx.Client, bot: App, receiver: Receiver) -> None:
    shown = http.get("/app/hook/config").json()
    assert shown == {"content_type": "json", "insecure_ssl": "0", "url": receiver.url, "secret": "********"}
    bot.webhook = None
    assert http.get("/app/hook/config").status_code == 404


def test_deliveries_are_listed_newest_first_in_pages(http: httpx.Client, bot: App) -> None:
    ids = send(bot, *(str(number) for number in range(7)))
    found, url, pages = [], f"{DELIVERIES}?per_page=3", 0
    while url:
        answer = http.get(url)
        found += [each["id"] for each in answer.json()]
        url = answer.links.get("next", {}).get("url", "")
        pages += 1
    assert (found, pages) == (ids[::-1], 3)
    back = http.get(answer.links["prev"]["url"]).json()
    assert [each["id"] for each in back] == ids[::-1][3:6]


def test_a_page_stays_where_it_is_while_more_is_delivered(http: httpx.Client, bot: App) -> None:
    ids = send(bot, "a", "b", "c", "d")
    second = http.get(DELIVERIES, params={"per_page": 2}).links["next"]["url"]
    send(bot, "e", "f")
    assert [each["id"] for each in http.get(second).json()] == ids[1::-1]


def test_a_cursor_that_is_none_is_422(http: httpx.Client, bot: App) -> None:
    send(bot, "a")
    assert http.get(DELIVERIES, params={"cursor": "no cursor"}).status_code == 422


def test_only_what_failed(http: httpx.Client, bot: App, receiver: Receiver) -> None:
    (good,) = send(bot, "good")
    receiver.status = 500
    (bad,) = send(bot, "bad")
    listed = {
        status: [each["id"] for each in http.get(DELIVERIES, params={"status": status}).json()]
        for status in ("success", "failure")
    }
    assert listed == {"success": [good], "failure": [bad]}


def test_a_delivery_is_read_whole(http: httpx.Client, octo: FakeGitHub, bot: App, receiver: Receiver) -> None:
    receiver.answer = {"status": "taken"}
    repository = octo.repository_named("octo/demo")
    repository.issue(3).comment("hello", "alice")
    octo.settle()
    item = http.get(DELIVERIES).json()[0]
    assert (item["event"], item["action"], item["status"]) == ("issue_comment", "created", "OK")
    assert (item["status_code"], item["redelivery"]) == (202, False)
    assert item["installation_id"] == bot.installations[0].id
    assert item["repository_id"] == repository.id
    whole = http.get(f"{DELIVERIES}/{item['id']}").json()
    assert whole["request"]["payload"] == bot.deliveries[-1].payload
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == item["guid"]
    assert whole["request"]["headers"]["X-GitHub-Event"] == "issue_comment"
    assert whole["response"]["payload"] == '{"status":"taken"}'
    assert http.get(f"{DELIVERIES}/1").status_code == 404


def test_a_delivery_is_sent_again_on_demand(
    http: httpx.Client, octo: FakeGitHub, bot: App, receiver: Receiver
) -> None:
    receiver.status = 500
    (first,) = send(bot, "a")
    receiver.status = 202
    assert http.post(f"{DELIVERIES}/{first}/attempts").status_code == 202
    octo.settle()
    again, before = http.get(DELIVERIES).json()
    assert (again["guid"], again["redelivery"], again["status_code"]) == (before["guid"], True, 202)
    assert http.post(f"{DELIVERIES}/1/attempts").status_code == 404


def test_deliveries_are_kept_for_three_days(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    (old,) = send(bot, "old")
    octo.advance(3 * 24 * 3600 - 60)
    assert len(connect(octo, bot.jwt()).get(DELIVERIES).json()) == 1
    octo.advance(120)
    later = connect(octo, bot.jwt())
    assert later.get(DELIVERIES).json() == []
    assert later.get(f"{DELIVERIES}/{old}").status_code == 404


def test_what_is_under_way_is_not_listed(
    http: httpx.Client, octo: FakeGitHub, bot: App, receiver: Receiver
) -> None:
    receiver.go.clear()
    bot.post("issues", {"action": "a"})
    assert http.get(DELIVERIES).json() == []
    receiver.go.set()
    octo.settle()
    assert len(http.get(DELIVERIES).json()) == 1


def test_a_token_does_not_see_deliveries(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    assert connect(octo, bot.token().value).get(DELIVERIES).status_code == 401

"""The pages of the manifest flow, as a browser and its attackers use them."""

import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
import respx
from starlette.applications import Starlette

from bot.env_file import read_env_file
from bot.set_up.credentials import Place
from bot.set_up.routes import COOKIE, SetUp
from bot.set_up.states import LIFETIME, States

CONVERSION = "https://api.github.test/app-manifests/c0de/conversions"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Form(HTMLParser):
    """The form of a page: its action, and what it sends."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.action = given["action"]
        if tag == "input":
            self.fields[given["name"]] = given["value"]

    @property
    def state(self) -> str:
        return parse_qs(urlsplit(self.action).query)["state"][0]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def set_up(tmp_path: Path, clock: Clock) -> SetUp:
    return SetUp(
        Place(tmp_path),
        base_url="http://127.0.0.1:8089",
        public_url="https://bot.test",
        github_url="https://github.test",
        github_api_url="https://api.github.test",
        organization="octo",
        name='a "bot" <b>',
        given={"BOT_PUBLIC_URL": "https://bot.test"},
        states=States(clock),
    )


def browser_on(set_up: SetUp) -> httpx.AsyncClient:
    app = Starlette(routes=set_up.routes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=set_up.base_url)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(set_up: SetUp) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_on(set_up) as client:
        yield client


async def form_on(set_up: SetUp, browser: httpx.AsyncClient) -> Form:
    page = await browser.get(set_up.address)
    assert page.status_code == 200
    return Form(page.text)


async def come_back(browser: httpx.AsyncClient, state: str, code: str = "c0de") -> httpx.Response:
    return await browser.get("/setup/callback", params={"code": code, "state": state})


async def test_from_the_printed_address_to_an_app(
    set_up: SetUp, browser: httpx.AsyncClient, conversion: dict[str, Any]
) -> None:
    form = await form_on(set_up, browser)
    assert form.action.startswith("https://github.test/organizations/octo/settings/apps/new?state=")
    asked = json.loads(form.fields["manifest"])
    assert asked["name"] == 'a "bot" <b>'
    assert asked["redirect_url"] == "http://127.0.0.1:8089/setup/callback"
    with respx.mock:
        respx.post(CONVERSION).respond(201, json=conversion)
        page = await come_back(browser, form.state)
    assert page.status_code == 200
    assert "https://github.com/apps/our-bot/installations/new" in page.text
    assert not [
        value for value in ("webhook_secret", "client_secret", "pem") if conversion[value] in page.text
    ]
    assert read_env_file(set_up.place.env_file)["BOT_GITHUB_APP_ID"] == "4711"
    assert set_up.done.is_set()


async def test_after_the_app_every_page_is_gone(
    set_up: SetUp, browser: httpx.AsyncClient, conversion: dict[str, Any]
) -> None:
    form, second = await form_on(set_up, browser), await form_on(set_up, browser)
    with respx.mock:
        asked = respx.post(CONVERSION).respond(201, json=conversion)
        await come_back(browser, form.state)
        for state in (form.state, second.state):
            assert (await come_back(browser, state)).status_code == 410
    assert asked.call_count == 1
    assert (await browser.get(set_up.address)).status_code == 410


@pytest.mark.parametrize("token", ["", "?token=", "?token=x", "?token=%FF%FE", "?tokens=x"])
async def test_without_the_token_there_is_no_page(browser: httpx.AsyncClient, token: str) -> None:
    page = await browser.get(f"/setup{token}")
    assert page.status_code == 403
    assert "set-cookie" not in page.headers
    assert "manifest" not in page.text


async def test_an_answer_that_was_not_asked_for_makes_nothing(
    set_up: SetUp, browser: httpx.AsyncClient
) -> None:
    form = await form_on(set_up, browser)
    with respx.mock:
        assert (await come_back(browser, "x" * 43)).status_code == 400
        assert (await come_back(browser, "")).status_code == 400
        assert (await browser.get("/setup/callback")).status_code == 400
        assert (await come_back(browser, form.state, code="../../user")).status_code == 400
    assert list(set_up.place.directory.iterdir()) == []


async def test_the_state_of_another_browser_makes_nothing(
    set_up: SetUp, browser: httpx.AsyncClient, conversion: dict[str, Any]
) -> None:
    form = await form_on(set_up, browser)
    async with browser_on(set_up) as other:
        with respx.mock:
            assert (await come_back(other, form.state)).status_code == 403
            await form_on(set_up, other)
            assert (await come_back(other, form.state)).status_code == 403
    with respx.mock:
        respx.post(CONVERSION).respond(201, json=conversion)
        assert (await come_back(browser, form.state)).status_code == 200


async def test_a_state_ends_with_the_hour(set_up: SetUp, browser: httpx.AsyncClient, clock: Clock) -> None:
    form = await form_on(set_up, browser)
    clock.now += LIFETIME + 1
    with respx.mock:
        page = await come_back(browser, form.state)
    assert page.status_code == 400
    assert "too late" in page.text


async def test_a_code_that_github_refuses_is_told_and_can_be_tried_again(
    set_up: SetUp, browser: httpx.AsyncClient, conversion: dict[str, Any]
) -> None:
    form = await form_on(set_up, browser)
    with respx.mock:
        respx.post(CONVERSION).respond(404, json={"message": "<b>Not Found</b>"})
        page = await come_back(browser, form.state)
        assert page.status_code == 502
        assert "HTTP 404" in page.text
        assert "<b>" not in page.text
        assert (await come_back(browser, form.state)).status_code == 400
        assert not set_up.done.is_set()
        again = await form_on(set_up, browser)
        respx.post(CONVERSION).respond(201, json=conversion)
        assert (await come_back(browser, again.state)).status_code == 200


async def test_credentials_that_cannot_be_written_are_told(
    set_up: SetUp, browser: httpx.AsyncClient, conversion: dict[str, Any]
) -> None:
    set_up.place = Place(set_up.place.directory / "gone")
    form = await form_on(set_up, browser)
    with respx.mock:
        respx.post(CONVERSION).respond(201, json=conversion)
        page = await come_back(browser, form.state)
    assert page.status_code == 500
    assert "Delete it at https://github.com/organizations/octo/settings/apps/our-bot" in page.text
    assert conversion["webhook_secret"] not in page.text
    assert set_up.done.is_set()


@pytest.mark.parametrize(
    ("base_url", "is_secure"), [("http://127.0.0.1:8089", False), ("https://bot.test", True)]
)
async def test_the_cookie(set_up: SetUp, base_url: str, *, is_secure: bool) -> None:
    set_up.base_url = base_url
    async with browser_on(set_up) as browser:
        cookie = (await browser.get(set_up.address)).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/setup" in cookie
    assert ("Secure" in cookie) is is_secure


async def test_headers_of_every_page(set_up: SetUp, browser: httpx.AsyncClient) -> None:
    for path in (set_up.address, "/setup", "/setup/callback"):
        page = await browser.get(path)
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "form-action 'self' https://github.test;" in policy
        assert "frame-ancestors 'none'" in policy
        [nonce] = re.findall(r"'nonce-([^']+)'", policy)
        assert f'<style nonce="{nonce}">' in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert set_up.token not in page.text


async def test_forms_are_not_answered(browser: httpx.AsyncClient) -> None:
    for path in ("/setup", "/setup/callback"):
        assert (await browser.post(path)).status_code == 405

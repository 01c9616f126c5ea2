"""All runs, for whoever has the operator's token."""

from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from automation.reasons import Conclusion
from bot.pages.capability import is_capability
from bot.pages.operator_session import cookie_of
from bot.pages.port import Deed, RunFilter
from bot.pages.run_table import ROWS
from bot.runs.run import State
from tests.bot.pages.kept_runs import FAILURE, KEY, NOW, RUN, TOKEN, browser, ended, kept
from tests.bot.pages.reading import read

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_token_there_is_no_such_page(method: str) -> None:
    async with browser(kept(RUN), operator_token="") as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Cookie": f"operator={cookie_of(KEY, '', NOW)}"}):
            answer = await client.request(
                method, "/runs", headers=headers, data={"token": ""} if method == "POST" else None
            )
            assert answer.status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "operator="},
        {"Cookie": f"operator={TOKEN}"},
        {"Cookie": f"operator={cookie_of(b'another key', TOKEN, NOW)}"},
        {"Cookie": f"operator={cookie_of(KEY, TOKEN, 0)}"},
    ],
)
async def test_nobody_else_sees_a_run(headers: dict[str, str]) -> None:
    async with browser(kept(RUN)) as client:
        answer = await client.get("/runs", headers=headers)
    assert answer.status_code == 401
    assert "octo" not in answer.text
    assert 'type="password"' in answer.text


async def test_the_token_in_a_header_opens_it() -> None:
    async with browser(kept(RUN)) as client:
        answer = await client.get("/runs", headers=BEARER)
    assert answer.status_code == 200
    assert "octo/demo#7" in answer.text


async def test_what_the_bot_has_done_by_itself_is_listed() -> None:
    runs = kept(RUN)
    async with browser(runs) as client:
        assert "by itself" not in (await client.get("/runs", headers=BEARER)).text
        runs.done = [Deed(NOW - 60, "check 1 <b>concluded</b>"), Deed(NOW - 120, "another")]
        text = (await client.get("/runs", headers=BEARER)).text
    assert "What the bot has done by itself, 2 times lately" in text
    assert "check 1 &lt;b&gt;concluded&lt;/b&gt;" in text


async def signed_in(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/runs", data={"token": TOKEN})


async def test_signing_in_gives_a_cookie_that_is_not_the_token() -> None:
    async with browser(kept(RUN)) as client:
        answer = await signed_in(client)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/runs")
        cookie = answer.headers["Set-Cookie"]
        assert TOKEN not in cookie
        assert {"HttpOnly", "SameSite=strict", "Path=/runs"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert (await client.get("/runs")).status_code == 200
        out = await client.post("/runs", data={"out": "1"})
        assert out.status_code == 303
        assert (await client.get("/runs")).status_code == 401


async def test_the_cookie_travels_encrypted_where_the_bot_does() -> None:
    async with browser(kept(RUN), public_url="https://bot.test/x") as client:
        cookie = (await signed_in(client)).headers["Set-Cookie"]
    assert {"Secure", "Path=/x/runs"} <= set(cookie.split("; "))


@pytest.mark.parametrize("content", [b"", b"token=wrong", b"token=" + b"x" * 10_000, b"\xff\xfe=%", b"token"])
async def test_a_wrong_token_is_said_to_be_wrong(content: bytes) -> None:
    async with browser(kept(RUN)) as client:
        answer = await client.post("/runs", content=content)
    assert answer.status_code == 401
    assert "That is not the token" in answer.text
    assert "Set-Cookie" not in answer.headers


async def test_each_run_has_a_row_with_its_links() -> None:
    other = replace(
        ended(end=FAILURE), id=UUID(int=9), pull_request=None, accepted_at=NOW - 7200, check_url=""
    )
    async with browser(kept(RUN, other)) as client:
        found = read((await client.get("/runs", headers=BEARER)).text)
    pages = [link for link in found.links if link.startswith("/runs/")]
    for run, link in zip((RUN, other), pages, strict=True):
        address = httpx.URL(link)
        assert address.path == f"/runs/{run.id}"
        assert is_capability(KEY, run.id, address.params["k"])
    assert f"https://github.com/octo/demo/commit/{RUN.head_sha}" in found.links
    assert "https://github.com/octo/demo/runs/77" in found.links


async def test_a_name_cannot_become_an_element() -> None:
    def tricked(text: str) -> RunFilter:
        runs.put(replace(RUN, name=text, repository=text, actor=text, stop_by=text))
        return RunFilter(repository=text)

    runs, trick = kept(), '"><script>alert(1)</script>'
    async with browser(runs) as client:
        tricked("x")
        plain = read((await client.get("/runs", params={"repository": "x"}, headers=BEARER)).text)
        tricked(trick)
        found = read((await client.get("/runs", params={"repository": trick}, headers=BEARER)).text)
    assert found.tags == plain.tags
    assert trick in [attributes.get("value") for _, attributes in found.elements]


async def test_the_address_filters() -> None:
    runs = kept(RUN)
    async with browser(runs) as client:
        answer = await client.get(
            "/runs?repository=octo/demo&automation=x&state=running&conclusion=failure&actor=mona",
            headers=BEARER,
        )
        wrong = await client.get("/runs?state=<b>", headers=BEARER)
    assert runs.filters == [RunFilter("octo/demo", "x", State.RUNNING, Conclusion.FAILURE, "mona")]
    selected = [
        attributes["value"] for _, attributes in read(answer.text).elements if "selected" in attributes
    ]
    assert selected == ["running", "failure"]
    assert wrong.status_code == 400
    assert "state: expected one of queued, starting" in wrong.text


async def test_older_runs_are_on_the_next_page_and_none_is_missed() -> None:
    many = [
        replace(ended(), id=UUID(int=number + 1), accepted_at=NOW - number / 3) for number in range(ROWS + 7)
    ]
    seen: list[str] = []
    async with browser(kept(*many)) as client:
        address: str | None = "/runs?actor=octocat"
        while address:
            found = read((await client.get(address, headers=BEARER)).text)
            seen += [
                httpx.URL(link).path.removeprefix("/runs/")
                for link in found.links
                if link.startswith("/runs/")
            ]
            address = next((each["href"] for _, each in found.elements if each.get("rel") == "next"), None)
            assert address is None or "actor=octocat" in address
    assert seen == [str(run.id) for run in many]


async def test_no_runs_are_said_to_be_none() -> None:
    async with browser(kept()) as client:
        assert "No runs yet." in (await client.get("/runs", headers=BEARER)).text
        assert "No runs like that." in (await client.get("/runs?actor=x", headers=BEARER)).text


async def test_runs_that_cannot_be_read_are_said_to_be_back_soon() -> None:
    runs = kept(RUN)
    runs.lose()
    async with browser(runs) as client:
        assert (await client.get("/runs", headers=BEARER)).status_code == 503

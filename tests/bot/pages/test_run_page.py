"""A run's page shows what the run says of itself, to whoever has its link, and everything on it is data."""

from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from bot.pages.capability import capability_of
from bot.pages.headers import HEADERS
from bot.runs.piece import Piece
from bot.runs.run import Run, Station
from tests.bot.pages.kept_runs import (
    FAILURE,
    ID,
    KEY,
    OLD_KEY,
    RUN,
    SHA,
    browser,
    ended,
    kept,
    page,
)
from tests.bot.pages.reading import Page, read

TRICKS = [
    "<script>alert(1)</script>",
    "</pre></span></section><h1>Success</h1>",
    "<img src=x onerror=alert(1)>",
    "<!-- -->",
    "]]><![CDATA[",
    "\"' onmouseover=alert(1) x='",
    "&lt;b&gt; &#60;b&#62;",
    "{{ 7 * 7 }}{% include 'base.html' %}",
    "::error file=x::y",
    "##[group]x",
    "::stop-commands::x",
    "**bold** [x](javascript:alert(1)) @octo/team #1",
    "\x1b[31mred\x1b[0m\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "\u202egnp.exe\u2066",
    "nul\0nul",
    "\u2028\u2029\ufeff",
    "data: x\n\nevent: end\ndata: y\n\nid: 3",
]
BROKEN = [b"\xff\xfe", b"\xe2\x80", b"\xf0\x9f\x8e", b"\xed\xa0\x80", b"\xc0\xbcscript\xc0\xbe", b"\r\n\r\r"]


async def shown(run: Run, output: bytes = b"") -> Page:
    runs = kept(run)
    if output:
        runs.write(output)
    async with browser(runs) as client:
        answer = await client.get(page())
    assert answer.status_code == 200
    return read(answer.text)


async def test_it_says_what_a_reader_wants_to_know() -> None:
    found = await shown(RUN, b"hello\n50 %\rhalf")
    assert found.texts["verdict"].split() == ["●", "Running", "on", "the", "server"]
    assert found.texts["lines"] == "hello\n"
    assert found.texts["line"] == "half"
    assert found.with_id("output")["data-from"] == "6"
    assert [link for link in found.links if link.startswith("https://")] == [
        "https://github.com/octo/demo",
        "https://github.com/octo/demo/pull/7",
        f"https://github.com/octo/demo/commit/{SHA}",
        "https://github.com/octo/demo/pull/7#issuecomment-99",
        "https://github.com/octo/demo/runs/77",
    ]
    for text in ("octocat", "Changelog guard", "octo/demo#7", "connect", "100 ms", "2026-11-23 07:19:48 UTC"):
        assert text in "".join(found.texts.values()) + str(found.elements), text


async def test_without_scripts_it_is_reloaded_while_it_goes_on() -> None:
    assert {"http-equiv": "refresh", "content": "5"} in [each for _, each in (await shown(RUN)).elements]
    over = await shown(ended())
    assert "script" not in over.tags
    assert not [each for _, each in over.elements if each.get("http-equiv")]


async def test_it_is_made_for_ears_and_phones() -> None:
    found = await shown(RUN)
    assert found.elements[0] == ("html", {"lang": "en"})
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in found.elements
    verdict = found.with_id("verdict")
    assert (verdict["role"], verdict["aria-live"]) == ("status", "polite")
    assert found.tags.count("h1") == found.tags.count("main") == 1
    assert found.with_id("output")["tabindex"] == "0"


async def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    found = await shown(ended(end=replace(FAILURE, summary="![x](https://evil.example/x.png)")), b"x\n")
    for tag, attributes in [*found.elements, *(await shown(RUN)).elements]:
        assert tag not in ("style", "iframe", "object", "embed", "base")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert not (attributes.get("src") or "/").startswith(("http", "//"))


async def test_every_answer_has_the_headers() -> None:
    async with browser(kept(RUN)) as client:
        for address in (page(), page(path="/log") + "&download=1", "/runs/x", "/runs", "/static/none"):
            answer = await client.get(address)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, address
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


async def test_style_and_script_are_served_and_change_their_address_with_their_content() -> None:
    async with browser(kept(RUN)) as client:
        found = read((await client.get(page())).text)
        addresses = [
            each.get("src") or each.get("href") for tag, each in found.elements if tag in ("script", "link")
        ]
        style, script = [address for address in addresses if address and address.startswith("/static/")]
        for address, kind in ((style, "text/css"), (script, "text/javascript")):
            answer = await client.get(address)
            assert answer.headers["Content-Type"].startswith(kind)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "immutable" in answer.headers["Cache-Control"]
        assert (await client.get("/static/run.html")).status_code == 404
        assert (await client.get("/static/..%2Fport.py")).status_code == 404


@pytest.mark.parametrize("trick", TRICKS)
async def test_tricks_in_the_output_are_text(trick: str) -> None:
    plain, tricked = await shown(RUN, b"x\nx"), await shown(RUN, f"{trick}\n{trick}".encode())
    assert tricked.tags == plain.tags
    assert tricked.texts["lines"]
    for letter in "\x1b\0\u202e\u2066":
        assert letter not in "".join(tricked.texts.values())


@pytest.mark.parametrize("data", BROKEN)
async def test_broken_characters_in_the_output_are_text(data: bytes) -> None:
    tricked = await shown(RUN, data + b"\n" + data)
    assert tricked.tags == (await shown(RUN, b"x\nx")).tags


@pytest.mark.parametrize("trick", TRICKS)
async def test_tricks_in_all_else_are_text(trick: str) -> None:
    def run(text: str) -> Run:
        end = replace(
            FAILURE,
            sentence=text,
            title=text,
            summary="summary",
            annotations=(
                {"path": text, "start_line": 1, "message": text, "annotation_level": text, "title": text},
            ),
        )
        return replace(
            ended(end=end),
            name=text,
            repository=text,
            automation=text,
            head_ref=text,
            actor=text,
            cause=text,
            inputs={text: text},
            stations=(Station(text, 1, text),),
            check_url=text,
        )

    tricked, plain = await shown(run(trick)), await shown(run("x"))
    assert tricked.tags == plain.tags
    assert [sorted(each) for _, each in tricked.elements] == [sorted(each) for _, each in plain.elements]
    for link in tricked.links:
        assert link.startswith(("https://github.com/", "/runs/"))


@pytest.mark.parametrize(
    "address",
    [
        f"/runs/{ID}",
        f"/runs/{ID}?k=",
        f"/runs/{ID}?k={capability_of(KEY, UUID(int=6))}",
        f"/runs/{ID}?k={capability_of(b'another key', ID)}",
        f"/runs/{ID}?k={capability_of(KEY, ID)[:-1]}",
        f"/runs/{ID}/log",
        f"/runs/{ID}/log?download=1",
        f"/runs/{ID}/log?k=%ff%00",
        f"/runs/{str(ID).upper()}?k={capability_of(KEY, ID)}",
        f"/runs/{{{ID}}}?k={capability_of(KEY, ID)}",
        "/runs/1",
        page(UUID(int=5)),
    ],
)
async def test_without_the_link_there_is_no_telling_whether_there_is_such_a_run(address: str) -> None:
    async with browser(kept(RUN)) as client:
        answer, unknown = await client.get(address), await client.get(f"/runs/{UUID(int=6)}")
    assert answer.status_code == 404
    assert (answer.text, answer.headers) == (unknown.text, unknown.headers)
    assert "octo" not in answer.text


async def test_a_link_of_an_older_key_is_good() -> None:
    async with browser(kept(RUN)) as client:
        assert (await client.get(f"/runs/{ID}?k={capability_of(OLD_KEY, ID)}")).status_code == 200


async def test_runs_that_cannot_be_read_are_said_to_be_back_soon() -> None:
    runs = kept(RUN)
    runs.lose()
    async with browser(runs) as client:
        answer = await client.get(page())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again" in answer.text


async def test_the_download_is_plain_text() -> None:
    runs = kept(replace(RUN, automation='a"; x=\n<é>'))
    runs.outputs[ID] = [
        Piece(0, b"one \x1b[31m<b>\x1b[0m\n"),
        Piece(5000, b"end\ntwo\nthree\nfour"),
    ]
    async with browser(runs) as client:
        answer = await client.get(f"{page(path='/log')}&download=1")
    assert answer.text == "one <b>\n… 5.0 kB left out …\ntwo\nthree\nfour"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a-x-12391758.log"'


async def test_a_path_of_the_public_address_stands_before_all_others() -> None:
    async with browser(kept(RUN), public_url="https://bot.test/automation/") as client:
        found = read((await client.get(page())).text)
    own = [
        each.get("href") or each.get("src") or ""
        for tag, each in found.elements
        if tag in ("a", "script", "link")
    ]
    assert [address for address in own if address.startswith("/")] == [
        address for address in own if address.startswith("/automation/")
    ]
    assert (found.with_id("output")["data-log"] or "").startswith("/automation/runs/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_it_is_only_read(method: str) -> None:
    async with browser(kept(RUN)) as client:
        assert (await client.request(method, page())).status_code == httpx.codes.METHOD_NOT_ALLOWED

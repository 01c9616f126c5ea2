"""The pages in a real browser: what is live arrives without a reload, what is data stays data, on desk and phone.

Each test leaves a screenshot in its temporary directory, to be looked at.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from bot.pages.event_stream import Streams
from bot.pages.port import Deed
from bot.runs.run import State
from tests.bot.pages.kept_runs import FAILURE, NOW, RUN, TOKEN, KeptRuns, app, ended, kept, page
from tests.bot.pages.serving import served
from tests.bot.pages.test_run_page import BROKEN, TRICKS
from tests.chromium import HOW_TO_GET_IT, Chromium, Tab, chromium, program

pytestmark = [
    pytest.mark.skipif(program() is None, reason=HOW_TO_GET_IT),
    pytest.mark.xdist_group("chromium"),
]

WITHIN = 15.0
LIVE = "document.querySelector('#connection').className === 'live'"
AT_END = "innerHeight + scrollY >= document.documentElement.scrollHeight - 2"
ELEMENTS = "[...document.querySelectorAll('*')].map((element) => element.tagName).join(' ')"
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"
REPORTED = replace(
    FAILURE,
    title="No line in CHANGELOG.md",
    summary="**Failure** (`exit-code`): it failed.\n\nSay in `CHANGELOG.md` what changes for users.",
    annotations=(
        {
            "path": "src/parser.py",
            "start_line": 1,
            "annotation_level": "warning",
            "message": "not in CHANGELOG.md",
        },
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Chromium) -> AsyncIterator[Tab]:
    async with browser.tab() as opened:
        yield opened


def many_lines(count: int, word: str = "line") -> bytes:
    return b"".join(f"{word} {number} of the output\n".encode() for number in range(count))


async def shows(tab: Tab, selector: str, text: str) -> None:
    await tab.until(f"document.querySelector({selector!r})?.textContent.includes({text!r})")


async def test_lines_and_verdict_appear_without_a_reload(tab: Tab, tmp_path: Path) -> None:
    runs = kept(replace(RUN, state=State.QUEUED, stations=(), check_id=0, check_url=""))
    async with served(app(runs)) as url:
        await tab.open(url + page())
        await tab.until(LIVE)
        await tab.evaluate("globalThis.sameDocument = true")
        assert await tab.text("#empty") == "No output yet."
        runs.put(RUN)
        await shows(tab, "#verdict", "Running")
        runs.write(b"\x1b[32mfirst\x1b[0m\n50 %")
        await shows(tab, "#line", "50 %")
        assert await tab.text("#lines") == "first\n"
        assert not await tab.evaluate("Boolean(document.querySelector('#empty'))")
        runs.write(b"\r100 %\nlast \xf0\x9f\x8e\x89\n")
        await shows(tab, "#lines", "last")
        assert await tab.text("#lines") == "first\n100 %\nlast \U0001f389\n"
        assert await tab.text("#line") == ""
        runs.put(ended(end=REPORTED))
        await shows(tab, "#verdict", FAILURE.sentence)
        await shows(tab, "#connection", "")
        await shows(tab, "#report", "No line in CHANGELOG.md")
        await shows(tab, "#facts", "Exit code")
        assert (await tab.evaluate("document.title")).startswith("✗ Changelog guard")
        assert await tab.evaluate("document.querySelector('#bar').dataset.tone") == "bad"
        assert await tab.evaluate("globalThis.sameDocument")
        await tab.until("document.querySelector('#connection').className === ''")
        await tab.screenshot(tmp_path / "ended.png")
    assert tab.complaints == []
    assert {address.split("/")[2] for address in tab.requests} == {url.split("/")[2]}


async def test_output_never_becomes_an_element(tab: Tab, tmp_path: Path) -> None:
    runs = kept(RUN)
    runs.write(b"x\n")
    async with served(app(runs)) as url:
        await tab.open(url + page())
        await tab.until(LIVE)
        before = await tab.evaluate(ELEMENTS)
        for trick in TRICKS:
            runs.write(f"{trick}\n{trick}".encode())
        for data in BROKEN:
            runs.write(data + b"\n" + data)
        runs.write(b"\nwritten\n")
        await shows(tab, "#lines", "written")
        assert await tab.evaluate(ELEMENTS) == before
        live = await tab.text("#lines")
        await tab.open(url + page())
        assert await tab.text("#lines") == live
        assert await tab.evaluate(ELEMENTS) == before
        await tab.screenshot(tmp_path / "tricks.png")
    assert "<script>alert(1)</script>" in live
    assert tab.complaints == []


async def test_a_verdict_never_becomes_an_element(tab: Tab) -> None:
    runs = kept(RUN)
    async with served(app(runs)) as url:
        await tab.open(url + page())
        await tab.until(LIVE)
        trick = "<img src=x onerror='globalThis.tricked = true'><script>globalThis.tricked = true</script>"
        runs.put(ended(end=replace(REPORTED, sentence=trick, title=trick, summary=trick)))
        await shows(tab, "#verdict", "<img src=x")
        await shows(tab, "#report", "<script>")
        assert not await tab.evaluate("Boolean(document.querySelector('img, main script, header script'))")
        assert not await tab.evaluate("Boolean(globalThis.tricked)")
    assert tab.complaints == []


async def test_it_stays_at_the_end_unless_the_reader_went_up(tab: Tab, tmp_path: Path) -> None:
    runs = kept(RUN)
    runs.write(many_lines(200))
    async with served(app(runs)) as url:
        await tab.open(url + page())
        await tab.until(LIVE)
        runs.write(many_lines(50, "more"))
        await shows(tab, "#lines", "more 49")
        await tab.until(AT_END)
        await tab.evaluate("scrollTo(0, 300)")
        await tab.until("!document.querySelector('#to-end').hidden")
        runs.write(many_lines(50, "later"))
        await shows(tab, "#lines", "later 49")
        assert await tab.evaluate("scrollY") == 300
        await tab.screenshot(tmp_path / "up.png")
        await tab.evaluate("document.querySelector('#to-end').click()")
        await tab.until(AT_END)
        runs.write(many_lines(50, "last"))
        await shows(tab, "#lines", "last 49")
        await tab.until(AT_END)
        assert await tab.evaluate("document.querySelector('#to-end').hidden")
        assert await tab.evaluate("document.querySelector('#bar').getBoundingClientRect().top") == 0


async def test_a_lost_connection_is_said_and_mended_even_after_a_refusal(tab: Tab) -> None:
    runs, streams = kept(RUN), Streams()
    runs.write(b"one\ntw")
    async with served(app(runs, streams=streams)) as url:
        await tab.open(url + page())
        await tab.until(LIVE)
        streams.close()
        await shows(tab, "#connection", "connection lost")
        runs.write(b"o\nthree\n")
        async with asyncio.timeout(WITHIN):
            while not any("503" in complaint for complaint in tab.complaints):
                await asyncio.sleep(0.02)
        streams.closing.clear()
        await shows(tab, "#lines", "three")
        await tab.until(LIVE)
        assert await tab.text("#lines") == "one\ntwo\nthree\n"


async def test_long_output_does_not_stay_for_ever(tab: Tab) -> None:
    runs = kept(RUN)
    async with served(app(runs)) as url:
        await tab.open(url + page())
        await tab.until(LIVE)
        for number in range(6):
            runs.write((b"x" * 99 + b"\n") * 10_000 + f"part {number}\n".encode())
            await shows(tab, "#lines", f"part {number}")
        assert await tab.evaluate("document.querySelector('#lines').textContent.length") <= 4_000_000
        assert not await tab.evaluate("document.querySelector('#dropped').hidden")


async def test_it_works_without_scripts(tab: Tab, tmp_path: Path) -> None:
    runs = kept(RUN)
    runs.write(b"one\n")
    async with served(app(runs)) as url:
        await tab.without_scripts()
        await tab.open(url + page())
        assert await tab.text("#lines") == "one\n"
        assert await tab.evaluate("Boolean(document.querySelector('[http-equiv=refresh]'))")
        runs.write(b"two\n")
        runs.put(ended())
        await shows(tab, "#lines", "two")
        assert "Success" in await tab.text("#verdict")
        await tab.screenshot(tmp_path / "without-scripts.png")
        assert not await tab.evaluate("Boolean(document.querySelector('[http-equiv=refresh]'))")
    assert not [address for address in tab.requests if "/log" in address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height", "phone"), [(1280, 900, False), (360, 740, True)])
async def test_it_fits_and_can_be_read(
    tab: Tab, tmp_path: Path, width: int, height: int, phone: bool, scheme: str
) -> None:
    runs = kept(ended(replace(RUN, name="N" * 90, head_ref="feature/" + "x" * 120), REPORTED))
    runs.write(many_lines(40) + b"w" * 400)
    await tab.resize(width, height, phone=phone)
    await tab.prefer(scheme)
    async with served(app(runs)) as url:
        await tab.open(url + page())
        assert not await tab.evaluate(TOO_WIDE)
        assert await tab.evaluate(CONTRAST) >= 4.5
        await tab.screenshot(tmp_path / "run.png")
        await signed_in(tab, url)
        assert not await tab.evaluate(TOO_WIDE)
        assert await tab.evaluate(CONTRAST) >= 4.5
        await tab.screenshot(tmp_path / "runs.png")


# The least contrast of any text to what is behind it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
CONTRAST = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  let least = 21;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest("svg, option")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
})()"""


async def signed_in(tab: Tab, url: str) -> None:
    await tab.open(f"{url}/runs")
    await tab.evaluate(f"document.querySelector('#token').value = {TOKEN!r}")
    await tab.evaluate("document.querySelector('.sign-in button').click()")
    await tab.until("document.querySelector('.chart')")


async def test_the_operator_signs_in_filters_and_opens_a_run(tab: Tab, tmp_path: Path) -> None:
    runs = several_runs()
    runs.done = [Deed(NOW - 60 * number, f"run {number} is ended and removed") for number in range(3)]
    async with served(app(runs)) as url:
        await signed_in(tab, url)
        await tab.evaluate("document.querySelector('details.deeds').open = true")
        assert await tab.evaluate("document.querySelectorAll('details.deeds li').length") == 3
        assert await tab.evaluate("document.querySelectorAll('table.runs tbody tr').length") == 40
        assert await tab.evaluate("document.querySelectorAll('.chart rect.other').length") == 30
        await tab.screenshot(tmp_path / "runs.png")
        await tab.evaluate("document.querySelector('select[name=conclusion]').value = 'failure'")
        await tab.evaluate("document.querySelector('.filter button').click()")
        await tab.until("location.search.includes('conclusion=failure')")
        await tab.until("document.querySelector('select[name=conclusion]')?.value === 'failure'")
        await tab.evaluate("document.querySelector('table.runs a').click()")
        await tab.until("document.querySelector('#verdict')")
        assert await tab.evaluate("document.referrer") == ""
    refused = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    assert [complaint for complaint in tab.complaints if complaint != refused] == []


def several_runs() -> KeptRuns:
    runs = []
    for number in range(40):
        run = ended(RUN, FAILURE) if number % 3 == 0 else ended(RUN)
        runs.append(replace(run, id=UUID(int=number + 1), accepted_at=NOW - number * 50_000))
    return kept(*runs)

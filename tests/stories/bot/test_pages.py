"""The pages of a real bot in a real browser: a run while it goes on and once it has ended, and the operator's table.

Each leaves a screenshot in its temporary directory, to be looked at.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bot_process import OPERATOR
from tests.chromium import HOW_TO_GET_IT, Chromium, Tab, chromium, program
from tests.stories.bot.conftest import Demo
from tests.teller import eventually

pytestmark = [
    pytest.mark.skipif(program() is None, reason=HOW_TO_GET_IT),
    pytest.mark.xdist_group("chromium"),
]

WAITS = """
echo "started at $(date +%H:%M:%S)"
wait_for() {{ while [ ! -e "{directory}/$1" ]; do sleep 0.05; done; }}
for number in 1 2 3; do echo "checking file $number of 3"; done
wait_for second
printf '\\033[32msecond part\\033[0m\\n'
wait_for end
echo '{{"title": "No line in CHANGELOG.md", "annotations": [{{"path": "src/parser.py", "start_line": 12,
"annotation_level": "warning", "message": "not in CHANGELOG.md"}}]}}' > "$AUTOMATION_RESULT"
printf '**One file** is not mentioned in `CHANGELOG.md`:\\n\\n- `src/parser.py`\\n' > "$AUTOMATION_SUMMARY"
echo "error: src/parser.py is not mentioned"
exit 3
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


async def shows(tab: Tab, selector: str, text: str) -> None:
    await tab.until(f"document.querySelector({selector!r})?.textContent.includes({text!r})")


async def test_a_run_is_watched_to_its_end_and_found_in_the_table(
    demo: Demo, browser: Chromium, tmp_path: Path
) -> None:
    demo.automation(WAITS.format(directory=tmp_path), "changelog", name="Changelog guard")
    pull = demo.pull()
    demo.comment("/run-automation changelog")
    await demo.running()
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 1, 20)
    [check] = demo.repository.checks(pull.head)
    page = check.details_url or ""
    async with browser.tab() as tab:
        await tab.open(page)
        await tab.evaluate("globalThis.sameDocument = true")
        await shows(tab, "#lines", "checking file 3 of 3")
        await shows(tab, "#verdict", "Running")
        await tab.screenshot(tmp_path / "running.png")
        (tmp_path / "second").touch()
        await shows(tab, "#lines", "second part")
        assert not check.is_completed
        (tmp_path / "end").touch()
        await shows(tab, "#verdict", "Failure")
        await shows(tab, "#lines", "is not mentioned")
        await shows(tab, "#report", "No line in CHANGELOG.md")
        await tab.until("document.querySelector('#connection').textContent === ''")
        assert await tab.evaluate("globalThis.sameDocument")
        await tab.screenshot(tmp_path / "ended.png")
        assert "second part\n" in await tab.text("#lines")
        live = await tab.text("#lines")
        await eventually(lambda: check.is_completed, 20)
        await tab.open(page)
        assert await tab.text("#lines") == live
        await tab.resize(390, 844, phone=True)
        assert not await tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        await tab.screenshot(tmp_path / "phone.png")
        await tab.resize(1280, 900)
        await tab.without_scripts()
        await tab.open(page)
        await tab.screenshot(tmp_path / "without-scripts.png")
        assert tab.complaints == []
    async with browser.tab() as tab:
        await tab.open(f"{demo.bot.url}/runs")
        await tab.screenshot(tmp_path / "sign-in.png")
        await tab.evaluate(f"document.querySelector('#token').value = {OPERATOR!r}")
        await tab.evaluate("document.querySelector('form.sign-in button').click()")
        await shows(tab, "table.runs", "Changelog guard")
        await shows(tab, "table.runs", "Failure")
        await shows(tab, "table.runs", "octo/demo#7")
        await tab.screenshot(tmp_path / "table.png")
        await tab.evaluate("document.querySelector('table.runs a').click()")
        await shows(tab, "#verdict", "Failure")
    await demo.says("Failure")

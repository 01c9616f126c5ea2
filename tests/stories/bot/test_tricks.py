"""Strangers' words everywhere: they are data in the run, and inert on the check, in comments and on the page.

What the bot itself is trusted with reaches none of them, even if somebody has got hold of it.
"""

import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
import pytest_asyncio
from markdown_it import MarkdownIt

from bot.commands import read_command
from tests.bot_process import OPERATOR, SECRET
from tests.chromium import HOW_TO_GET_IT, Chromium, chromium, program
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

pytestmark = pytest.mark.xdist_group("chromium")

WORDS = (
    "$(touch pwned) `touch pwned` '; touch pwned #",
    "<script>document.title = 'pwned'</script><img src=x onerror=\"document.title = 'pwned'\">",
    "</pre></span></section><h1>Success</h1>",
    "**bold** [x](javascript:alert(1)) ![x](https://evil.example/x.png) @octo/team @mallory",
    "::error::pwned ::set-output name=x::y",
    "\u202egnp.exe\u2066 \u2028 \ufeff {{ 7 * 7 }} ${{ secrets.TOKEN }}",
)
TRICK = " ".join(WORDS)
NAME = "$(id) `id` @octo-team <img src=x> **x** [x](x) ::error::x"
LINES = "".join(
    f"{words}\n" for words in (*WORDS, "/run-automation hello", "/merge", "```", "-->", "\x1b[31mred\x1b[0m")
)
BRANCH = "feature/$(touch${IFS}pwned)`id`;<img/src=x/onerror=alert(1)>'\"&|@octo"
SHOWS = """
printf 'target=<%s>\\n' "$AUTOMATION_INPUT_TARGET"
printf 'branch=<%s>\\n' "$AUTOMATION_HEAD_REF"
echo "$AUTOMATION_EVENT_PAYLOAD" > "$WORKSPACE_BASE/event" 2> /dev/null || true
cat lines.txt
cp summary.txt "$AUTOMATION_SUMMARY"
cp result.json "$AUTOMATION_RESULT"
find . -name 'pwned*' | sed 's/^/FOUND /'
exit 3
"""
TELLS = """
cat secrets.txt
cp secrets.txt "$AUTOMATION_SUMMARY"
cp result.json "$AUTOMATION_RESULT"
curl -s --noproxy '*' -H 'Content-Type: application/json' -d @callback.json "$AUTOMATION_CALLBACK_URL" > /dev/null
exit {code}
"""
OUR_HTML = re.compile(r"<!-- automation-bot:[a-z/0-9:-]+ -->|</?(details|summary)>")
MENTION = re.compile(r"^@alice ", re.MULTILINE)
ELEMENTS = "[...document.querySelectorAll('*')].map((each) => each.tagName.toLowerCase())"
FOREIGN = {"img", "iframe", "object", "embed", "form", "input", "svg:script", "marquee"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    async with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


def committed(demo: Demo, slug: str, main: str, files: dict[str, str], **definition: object) -> None:
    """An automation with files beside its entrypoint."""
    for name, text in files.items():
        demo.checkout.write(f".openhands/automations/{slug}/{name}", text)
    demo.automation(main, slug, **definition)


def read(body: bytes) -> str:
    """What GitHub was sent, as a reader sees it: without what Markdown is escaped and disarmed with."""
    text = json.dumps(json.loads(body), ensure_ascii=False) if body.startswith(b"{") else body.decode()
    return re.sub("[\\\\\u200b]", "", text)


def is_inert(markdown: str) -> bool:
    """Whether GitHub would show it without an element, an image, a link or a mention that is not ours."""
    text = MENTION.sub("", markdown, count=1)
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for each in [token, *(token.children or [])]:
            assert each.type != "image", markdown
            if each.type in {"html_block", "html_inline"}:
                assert "<" not in OUR_HTML.sub("", each.content), each.content
            if each.type == "link_open":
                assert urlsplit(str(each.attrGet("href"))).hostname == "127.0.0.1", each.attrs
            if each.type == "text":
                assert not re.search(r"(?<!\w)@\w", each.content), each.content
    return True


@pytest.mark.skipif(program() is None, reason=HOW_TO_GET_IT)
async def test_words_are_data_everywhere(demo: Demo, browser: Chromium, tmp_path: Path) -> None:
    result = {
        "title": TRICK[:200],
        "annotations": [
            {
                "path": "feature.txt",
                "start_line": 1,
                "annotation_level": "warning",
                "title": WORDS[1],
                "message": TRICK,
            }
        ],
    }
    files = {"lines.txt": LINES, "summary.txt": LINES, "result.json": json.dumps(result)}
    committed(demo, "review", SHOWS, files, github={"inputs": {"target": {}}})
    pull = demo.pull(head=demo.branch("plain"), head_ref=BRANCH, title=TRICK, body=TRICK)
    target = WORDS[0] + WORDS[1] + WORDS[3] + WORDS[4]
    escaped = target.replace("\\", "\\\\").replace('"', '\\"')
    demo.comment(f'{TRICK}\n\n/run-automation review target="{escaped}"')
    check = await demo.concluded(pull.head, "review")
    check.is_("failure")
    assert f"target=<{target}>" in (check.text or "")
    assert f"branch=<{BRANCH}>" in (check.text or "")
    assert "FOUND" not in (check.text or "")
    assert is_inert(check.summary or "")
    assert is_inert(check.text or "")
    await demo.says("Failure")
    demo.comment(f'/run-automation "{NAME}"')
    assert NAME in (await demo.says("@alice")).body
    demo.comment("/run-automation status")
    demo.comment("/run-automation why")
    await eventually(lambda: len(demo.said()) == 4, 20)
    assert all(is_inert(said.body) for said in demo.said())
    assert all(read_command(said.body) is None for said in demo.said())
    async with browser.tab() as tab:
        await tab.open(check.details_url or "")
        await tab.until("document.querySelector('#lines').textContent.includes('Success</h1>')")
        await tab.screenshot(tmp_path / "tricks.png")
        assert not FOREIGN & set(await tab.evaluate(ELEMENTS))
        assert await tab.evaluate("document.querySelectorAll('h1').length") == 1
        assert "pwned" not in await tab.evaluate("document.title")
        assert await tab.evaluate("[...document.scripts].filter((each) => !each.src).length") == 0
        links = await tab.evaluate("[...document.links].map((each) => each.protocol + '//' + each.hostname)")
        assert set(links) == {"http://127.0.0.1"}
        assert {urlsplit(address).hostname for address in tab.requests} == {"127.0.0.1"}
        assert tab.complaints == []
    assert len(demo.repository.checks(pull.head)) == 1
    assert "\n".join(demo.bot.log.splitlines()).count("\u202e") == 0


async def test_what_the_bot_is_trusted_with_is_told_nowhere(begin: Begin, tmp_path: Path) -> None:
    # With characters that Markdown escapes: what is written differently is not known again.
    demo = await begin(BOT_SECRET_KEY=base64.urlsafe_b64encode(bytes(range(224, 256))[::-1]).decode())
    environment = demo.bot.environment()
    key = environment["BOT_GITHUB_PRIVATE_KEY"]
    kept = [SECRET, OPERATOR, demo.server.key, environment["BOT_SECRET_KEY"]]
    body = [line for line in key.splitlines() if not line.startswith("-----")]
    forms = [
        *kept,
        *(base64.b64encode(each.encode()).decode() for each in kept),
        *(quote(each, safe="") for each in kept),
        key,
    ]
    text = "".join(f"error: {form}\n" for form in forms)
    result = {
        "title": f"title {SECRET}",
        "annotations": [{"path": f"a-{SECRET}.py", "start_line": 1, "message": text, "title": OPERATOR}],
    }
    callback = json.dumps({"status": "FAILED", "error": f"gave up: {' '.join(kept)}"})
    files = {"secrets.txt": text, "result.json": json.dumps(result), "callback.json": callback}
    committed(demo, "bad", TELLS.format(code=3), files)
    committed(demo, "worse", TELLS.format(code=0), files)
    pull = demo.pull()
    pages = []
    for slug in ("bad", "worse"):
        demo.comment(f"/run-automation {slug}")
        check = await demo.concluded(pull.head, slug)
        check.is_("failure")
        pages.append(check.details_url or "")
    demo.comment("/run-automation why")
    await eventually(lambda: len(demo.said()) == 3, 20)
    shown = []
    async with httpx.AsyncClient(trust_env=False) as http:
        for page in pages:
            log = page.replace("?", "/log?")
            shown += [(await http.get(url)).text for url in (page, log, f"{log}&download=1")]
        table = await http.get(f"{demo.bot.url}/runs", headers={"Authorization": f"Bearer {OPERATOR}"})
    sent = "".join(read(each.body) for each in demo.github.requests)
    assert "***" in shown[0]
    assert all("***" in each for each in shown)
    for place, words in (
        ("page", "".join(shown)),
        ("table", table.text),
        ("GitHub", sent),
        ("log", demo.bot.log),
    ):
        for form in [*forms[:-1], *body]:
            assert form not in words, (place, form[:12])
            assert json.dumps(form)[1:-1] not in words, (place, form[:12])

"""The whole way on the fake GitHub, within its contract: set-up makes an App, `check` says what it still lacks."""

from pathlib import Path

import httpx
import pytest

from bot.env_file import read_env_file
from bot.examination.finding import Finding, Level
from bot.examination.github import github_findings
from bot.settings import BotSettings
from tests.bot.set_up.test_command import ended, first_line, set_up
from tests.bot.set_up.test_routes import Form
from tests.fakes.github.server import FakeGitHub

PUBLIC_URL = "http://127.0.0.1:9"


def make_app(directory: Path, github: FakeGitHub, *options: str) -> BotSettings:
    """Through the pages, as somebody with a browser does it."""
    where = ("--public-url", PUBLIC_URL, "--github-url", github.url, "--github-api-url", github.url)
    server = {"AUTOMATION_AGENT_SERVER_URL": "http://127.0.0.1:8000"}
    with set_up(directory, *where, "--port", "0", *options, **server) as process:
        address = first_line(process).rpartition(" ")[2].strip()
        with httpx.Client(trust_env=False) as browser:
            form = Form(browser.get(address).text)
            sent = browser.post(form.action, data=form.fields)
            assert sent.status_code == 302, sent.text
            assert "is made" in browser.get(sent.headers["location"]).text
        code, _, errors = ended(process)
    assert (code, errors) == (0, "")
    return BotSettings.from_environment(read_env_file(directory / "automation-bot.env"))


def of(findings: list[Finding], about: str) -> tuple[Level, str]:
    [found] = [finding for finding in findings if finding.about == about]
    return found.level, str(found)


@pytest.mark.parametrize("options", [[], ["--organization", "octo", "--name", "Our bot"]])
async def test_an_app_is_made_installed_and_found_in_order(
    tmp_path: Path, github: FakeGitHub, options: list[str]
) -> None:
    settings = make_app(tmp_path, github, *options)
    findings = await github_findings(settings)
    assert {
        about: of(findings, about)[0] for about in ("App", "permissions", "events", "webhook")
    } == dict.fromkeys(("App", "permissions", "events", "webhook"), Level.OK)
    level, words = of(findings, "installations")
    assert level is Level.WRONG
    assert "/installations/new" in words
    app = github.world.apps[settings.app_id]
    assert app.slug.startswith("our-bot" if options else "automation-bot-")
    app.install("octo/demo")
    assert of(await github_findings(settings), "installations")[0] is Level.OK


async def test_a_delivery_that_nobody_took_is_named(tmp_path: Path, github: FakeGitHub) -> None:
    settings = make_app(tmp_path, github)
    assert of(await github_findings(settings), "deliveries")[0] is Level.NOTE
    app = github.world.apps[settings.app_id]
    app.install("octo/demo")
    app.post("ping", {"zen": "Keep it logically awesome."})
    github.settle()
    level, words = of(await github_findings(settings), "deliveries")
    assert level is Level.WRONG
    assert "(ping: failed to connect to host); GitHub has to reach the webhook URL" in words

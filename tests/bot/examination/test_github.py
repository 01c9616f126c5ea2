"""Asking GitHub about the App: what is asked, and that one answer that fails does not hide the others."""

from typing import Any

import pytest

from bot.examination import github
from bot.examination.finding import Finding, Level, is_fit
from bot.set_up.manifest import EVENTS, PERMISSIONS
from bot.settings import BotSettings
from tests.bot.set_up.platform import Platform
from tests.fakes.github.apps import private_key

APP: dict[str, Any] = {
    "slug": "our-bot",
    "html_url": "https://github.com/apps/our-bot",
    "owner": {"login": "octo", "type": "Organization"},
    "permissions": dict(PERMISSIONS),
    "events": list(EVENTS),
}
INSTALLATION = APP | {"account": {"login": "octo"}, "suspended_at": None}
HOOK = {"url": "https://bot.test/webhook", "content_type": "json", "insecure_ssl": "0"}
DELIVERY = {
    "guid": "g",
    "event": "push",
    "status_code": 202,
    "delivered_at": "2026-11-23T07:00:00Z",
}


@pytest.fixture
def platform(odd: Platform) -> Platform:
    """A GitHub where everything is in order."""
    odd.answers |= {
        "GET /app": (200, APP),
        "GET /app/installations": (200, [INSTALLATION]),
        "GET /app/hook/config": (200, HOOK),
        "GET /app/hook/deliveries": (200, [DELIVERY]),
    }
    return odd


def settings(platform: Platform, **changes: Any) -> BotSettings:
    given: dict[str, Any] = {
        "app_id": 4711,
        "private_key": private_key(1),
        "github_api_url": platform.url,
        "public_url": "https://bot.test",
    }
    return BotSettings(**given | changes)


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.about for finding in findings if finding.level is Level.WRONG]


async def test_everything_in_order(platform: Platform) -> None:
    found = await github.github_findings(settings(platform))
    assert is_fit(found)
    assert [finding.about for finding in found] == [
        "App",
        "permissions",
        "events",
        "installations",
        "webhook",
        "deliveries",
    ]
    assert platform.asked == list(platform.answers)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "BOT_GITHUB_APP_ID"), (404, "BOT_GITHUB_APP_ID"), (500, "check again")]
)
async def test_a_key_that_does_not_fit_ends_it(platform: Platform, status: int, advice: str) -> None:
    platform.answers["GET /app"] = (status, {"message": "A JSON web token could not be decoded"})
    [found] = await github.github_findings(settings(platform))
    assert found.about == "App"
    assert f"HTTP {status} (A JSON web token could not be decoded)" in found.sentence
    assert advice in found.advice
    assert platform.asked == ["GET /app"]


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("GET /app/installations", "installations"),
        ("GET /app/hook/config", "webhook"),
        ("GET /app/hook/deliveries", "deliveries"),
    ],
)
@pytest.mark.parametrize("answer", [(404, {}), (500, b"<html>"), (200, b"<html>"), (200, {"odd": 1})])
async def test_one_answer_that_fails_does_not_hide_the_others(
    platform: Platform, path: str, about: str, answer: tuple[int, Any]
) -> None:
    platform.answers[path] = answer
    found = await github.github_findings(settings(platform))
    assert wrong(found) == [about]
    assert {"installations", "webhook", "deliveries"} <= {finding.about for finding in found}


async def test_many_installations_are_all_read(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "PER_PAGE", 1)
    found = await github.github_findings(settings(platform))
    assert platform.asked.count("GET /app/installations") == github.MOST_PAGES
    assert [finding.about for finding in found].count("installations") == github.MOST_PAGES


async def test_without_a_public_url_the_webhook_is_not_judged(platform: Platform) -> None:
    found = await github.github_findings(settings(platform, public_url=""))
    assert "webhook" not in {finding.about for finding in found}


async def test_nobody_answers(platform: Platform) -> None:
    [found] = await github.github_findings(settings(platform, github_api_url="http://127.0.0.1:9"))
    assert found.level is Level.WRONG
    assert "did not answer GET /app" in found.sentence

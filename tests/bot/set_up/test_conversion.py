"""The conversion: asked for once, and every odd answer is a sentence without a secret."""

import re
from typing import Any

import httpx
import pytest
import respx

from automation.errors import AutomationError, Misconfigured
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from bot.set_up.conversion import convert

API = "https://api.github.test"
PATH = f"{API}/app-manifests/c0de/conversions"


async def test_the_apps_credentials(conversion: dict[str, Any]) -> None:
    with respx.mock:
        asked = respx.post(PATH).respond(201, json=conversion)
        app = await convert(API, "c0de")
    assert (app.app_id, app.slug) == (4711, "our-bot")
    assert (app.private_key, app.webhook_secret) == (conversion["pem"], conversion["webhook_secret"])
    assert app.install_url == "https://github.com/apps/our-bot/installations/new"
    assert app.settings_url == "https://github.com/organizations/octo/settings/apps/our-bot"
    assert app.webhook_secret not in repr(app)
    assert "PRIVATE KEY" not in repr(app)
    assert "authorization" not in asked.calls.last.request.headers


@pytest.mark.parametrize(
    ("answer", "error", "expected"),
    [
        (httpx.Response(404, json={"message": "Not Found"}), GitHubRefuses, r"HTTP 404 \(Not Found\)"),
        (httpx.Response(422, text="<html>"), GitHubRefuses, "HTTP 422"),
        (httpx.Response(502), GitHubUnavailable, "HTTP 502"),
        (httpx.Response(302, headers={"location": "http://elsewhere"}), GitHubRefuses, "HTTP 302"),
        (httpx.Response(201, text="<html>"), GitHubUnavailable, "is not JSON"),
        (httpx.Response(201, json=[]), GitHubUnavailable, "not of its form"),
        (httpx.Response(201, json={"id": 1}), GitHubUnavailable, "not of its form"),
        (httpx.ConnectError("refused"), GitHubUnavailable, "did not answer"),
        (httpx.ReadTimeout("slow"), GitHubUnavailable, "ReadTimeout"),
    ],
    ids=str,
)
async def test_odd_answers(answer: Any, error: type[AutomationError], expected: str) -> None:
    with respx.mock:
        asked = respx.post(PATH).mock(side_effect=[answer])
        with pytest.raises(error, match=expected):
            await convert(API, "c0de")
    assert asked.call_count == 1


@pytest.mark.parametrize("name", ["pem", "webhook_secret"])
@pytest.mark.parametrize("value", [None, ""])
async def test_an_app_without_what_a_bot_needs(
    conversion: dict[str, Any], name: str, value: str | None
) -> None:
    with respx.mock:
        respx.post(PATH).respond(201, json=conversion | {name: value})
        with pytest.raises(
            Misconfigured, match=r"delete it at https://github\.com/organizations/octo/"
        ) as caught:
            await convert(API, "c0de")
    assert not re.search(r"PRIVATE KEY|e340154", caught.value.sentence)

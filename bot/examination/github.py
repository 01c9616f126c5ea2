"""Asking GitHub about the App, as the App itself. What one question fails of does not keep the others from being asked."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from automation.errors import AutomationError
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.github.transport import AppKey, Transport
from bot.examination.app import (
    App,
    Delivery,
    Hook,
    app_findings,
    delivery_findings,
    hook_findings,
    installation_findings,
)
from bot.examination.finding import Finding, failed
from bot.settings import BotSettings

TIMEOUT: Final = 15
"""Seconds for each silence."""
WITHIN: Final = 60
"""Seconds for all questions."""
PER_PAGE: Final = 100
MOST_PAGES: Final = 5
KEY_ADVICE: Final = "BOT_GITHUB_APP_ID and the private key have to be one App's at BOT_GITHUB_API_URL, and this machine's clock right"
REACH_ADVICE: Final = "check again; this machine has to reach BOT_GITHUB_API_URL"

type Ask = Callable[..., Any]


async def github_findings(settings: BotSettings) -> list[Finding]:
    """What there is to be said of the App, its installations, its webhook and its deliveries."""
    try:
        async with asyncio.timeout(WITHIN):
            return await asyncio.to_thread(lambda: list(_asked(settings)))
    except TimeoutError:
        return [failed("App", GitHubUnavailable(f"GitHub took more than {WITHIN} s to answer"))]


def _asked(settings: BotSettings) -> Iterator[Finding]:
    with closing(
        Transport.connect(
            settings.github_api_url, AppKey(str(settings.app_id), settings.private_key), TIMEOUT
        )
    ) as transport:

        def ask(path: str, **parameters: object) -> Any:
            return transport.send("GET", path, parameters, None)

        try:
            app = App.read(ask("/app"))
        except AutomationError as error:
            yield failed("App", error, KEY_ADVICE if isinstance(error, GitHubRefuses) else REACH_ADVICE)
            return
        yield from app_findings(app)
        yield from _found("installations", lambda: installation_findings(app, list(_installations(ask))))
        if settings.public_url:
            yield from _found(
                "webhook", lambda: hook_findings(Hook.read(ask("/app/hook/config")), settings.public_url)
            )
        yield from _found("deliveries", lambda: delivery_findings(_deliveries(ask)))


def _found(about: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except AutomationError as error:
        yield failed(about, error)


def _installations(ask: Ask) -> Iterator[App]:
    for page in range(1, MOST_PAGES + 1):
        items = _list(ask("/app/installations", per_page=PER_PAGE, page=page))
        yield from map(App.read, items)
        if len(items) < PER_PAGE:
            return


def _deliveries(ask: Ask) -> list[Delivery]:
    return [Delivery.read(item) for item in _list(ask("/app/hook/deliveries", per_page=PER_PAGE))]


def _list(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list):
        raise GitHubUnavailable("GitHub's answer to a list of the App's is not of its form")
    return answer

"""The pages of the manifest flow: `/setup` sends a browser to GitHub, `/setup/callback` takes what it brings back.

Only who has the token of the printed address gets a page; the `state` that comes back has to be one that was given
to this browser, is good once, and for an hour. One App is made: after it every page is gone. A failure is told on the
page, and the printed address starts again.

Source: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from automation.errors import AutomationError
from bot.set_up.conversion import NewApp, convert
from bot.set_up.credentials import Place
from bot.set_up.github_address import new_app_url
from bot.set_up.manifest import EVENTS, PERMISSIONS, manifest
from bot.set_up.states import LIFETIME, Redeemed, States

PATH: Final = "/setup"
COOKIE: Final = "automation_bot_setup"
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TEMPLATES: Final = Environment(
    loader=PackageLoader("bot.set_up"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_WRONG: Final[Mapping[Redeemed, tuple[HTTPStatus, str]]] = {
    Redeemed.UNKNOWN: (HTTPStatus.BAD_REQUEST, "This answer was not asked for, or has been used already."),
    Redeemed.EXPIRED: (HTTPStatus.BAD_REQUEST, "This answer comes too late: it was good for an hour."),
    Redeemed.FOREIGN: (HTTPStatus.FORBIDDEN, "This answer belongs to another browser."),
}


@dataclass
class SetUp:
    """One making of an App.

    Attributes:
        base_url: where these pages are reached.
        given: settings that are written beside the credentials.
        token: part of the address that is printed.
        app: None until it has been made; done: set once its page has been sent.
    """

    place: Place
    base_url: str
    public_url: str
    github_url: str
    github_api_url: str
    organization: str = ""
    name: str = "automation-bot"
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    states: States = field(default_factory=lambda: States(time.monotonic))
    app: NewApp | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"{self.base_url}{PATH}?{urlencode({'token': self.token})}"

    @cached_property
    def routes(self) -> list[Route]:
        return [Route(PATH, self._start), Route(f"{PATH}/callback", self._callback)]

    async def _start(self, request: Request) -> HTMLResponse:
        token = request.query_params.get("token", "")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return self._told(
                HTTPStatus.FORBIDDEN, "Open the whole address that `automation-bot setup` printed."
            )
        if self.app is not None:
            return self._told(HTTPStatus.GONE, "The App has been made; set-up is over.")
        browser = request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
        asked = manifest(self.name, self.public_url, f"{self.base_url}{PATH}/callback")
        response = self._page(
            "start.html",
            action=new_app_url(self.github_url, self.organization, self.states.issue(browser)),
            manifest=json.dumps(asked),
            permissions=PERMISSIONS,
            events=EVENTS,
            owner=self.organization or "your own account",
        )
        # Lax: the browser comes back from GitHub by a link, and has to bring it then.
        response.set_cookie(
            COOKIE,
            browser,
            max_age=int(LIFETIME),
            path=PATH,
            secure=self.base_url.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
        return response

    async def _callback(self, request: Request) -> HTMLResponse:
        code, state = request.query_params.get("code", ""), request.query_params.get("state", "")
        async with self._one_at_a_time:
            if self.app is not None:
                return self._told(HTTPStatus.GONE, "The App has been made; set-up is over.")
            if not _CODE.fullmatch(code):
                return self._told(HTTPStatus.BAD_REQUEST, "This is no answer of GitHub's: it has no code.")
            redeemed = self.states.redeem(state, request.cookies.get(COOKIE, ""))
            if redeemed is not Redeemed.GOOD:
                return self._told(*_WRONG[redeemed])
            return await self._make(code)

    async def _make(self, code: str) -> HTMLResponse:
        try:
            app = await convert(self.github_api_url, code)
        except AutomationError as error:
            return self._told(HTTPStatus.BAD_GATEWAY, _sentence(error))
        self.app = app
        try:
            await asyncio.to_thread(self.place.write, app, self.given)
        except AutomationError as error:
            response = self._told(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                f"{_sentence(error)} The App is there, and not all of its credentials are. Delete it at {app.settings_url}, and run "
                "`automation-bot setup` again with another --output.",
            )
        else:
            response = self._page("done.html", app=app, env_file=str(self.place.env_file))
        response.delete_cookie(COOKIE, path=PATH)
        response.background = BackgroundTask(self.done.set)
        return response

    def _told(self, status: HTTPStatus, sentence: str) -> HTMLResponse:
        return self._page("told.html", status, sentence=sentence)

    def _page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        html = _TEMPLATES.get_template(template).render(nonce=nonce, **values)
        # A form's redirects are held to `form-action`, too: GitHub's page may send the browser straight back.
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {self.github_url}; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        }
        return HTMLResponse(html, status, headers)


def _sentence(error: AutomationError) -> str:
    return f"{error.sentence[:1].upper()}{error.sentence[1:]}."

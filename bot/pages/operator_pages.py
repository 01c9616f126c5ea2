"""The table of all runs, for the operator: by token in a header, or by a cookie that is given for it.

Where no token is set there is no such page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from automation.errors import Misconfigured
from automation.reasons import Conclusion
from bot.pages.chart import DAYS, HEIGHT, WIDTH, chart_of
from bot.pages.clock import age, machine_stamp
from bot.pages.github_links import Links
from bot.pages.operator_session import COOKIE, LASTS, cookie_of, is_cookie, is_token
from bot.pages.port import Runs, Unavailable
from bot.pages.run_pages import RunPages
from bot.pages.run_table import ROWS, Query, read_query, row
from bot.pages.site import Site
from bot.runs.run import State

FORM_LIMIT = 4096
"""Bytes of a sign-in form."""
_BEARER = "bearer "


@dataclass(frozen=True)
class OperatorPages:
    """The table of runs and the way in.

    Attributes:
        token: the operator's; empty for none.
        keys: sign the cookie; the first one signs, each is good.
        clock: gives Unix time in seconds.
    """

    runs: Runs
    site: Site
    links: Links
    pages: RunPages
    token: str
    keys: Sequence[bytes]
    clock: Callable[[], float]

    def routes(self) -> list[Route]:
        """The table and, by POST, signing in and out."""
        return [
            Route("/runs", self._table, methods=["GET"]),
            Route("/runs", self._sign, methods=["POST"]),
        ]

    async def _table(self, request: Request) -> Response:
        if not self.token:
            return self.site.error(404)
        if not self._is_operator(request):
            return self._sign_in(wrong=False)
        try:
            return await self._shown(read_query(request.query_params))
        except Misconfigured as error:
            return self.site.error(400, f"{error.sentence}.")
        except Unavailable:
            return self.site.error(503)

    async def _shown(self, query: Query) -> Response:
        now = self.clock()
        found = await self.runs.recent(query.wanted, query.before, ROWS + 1)
        shown = found[:ROWS]
        older = ""
        if len(found) > ROWS:
            older = self._address(query.filters | {"before": repr(shown[-1].accepted_at)})
        return self.site.page(
            "runs.html",
            rows=[row(run, self.pages.address(run.id), self.links, now) for run in shown],
            chart=chart_of(await self.runs.per_day(DAYS), now),
            plane=(WIDTH, HEIGHT),
            given=query.filters,
            is_first=query.before is None,
            newest=self._address(query.filters),
            older=older,
            states=list(State),
            conclusions=list(Conclusion),
            deeds=[
                {"stamp": machine_stamp(deed.at), "age": age(now - deed.at), "sentence": deed.sentence}
                for deed in await self.runs.deeds()
            ],
        )

    async def _sign(self, request: Request) -> Response:
        if not self.token:
            return self.site.error(404)
        form = await _form(request)
        back = RedirectResponse(self._address({}), 303)
        if "out" in form:
            self._set_cookie(back, "", 0)
        elif is_token(self.token, form.get("token", "").strip()):
            self._set_cookie(back, cookie_of(self.keys[0], self.token, self.clock()), LASTS)
        else:
            return self._sign_in(wrong=True)
        return back

    def _is_operator(self, request: Request) -> bool:
        header = request.headers.get("Authorization", "")
        if header[: len(_BEARER)].lower() == _BEARER:
            return is_token(self.token, header[len(_BEARER) :].strip())
        return is_cookie(self.keys, self.token, request.cookies.get(COOKIE, ""), self.clock())

    def _sign_in(self, *, wrong: bool) -> Response:
        page = self.site.page("sign_in.html", 401, wrong=wrong)
        page.headers["WWW-Authenticate"] = "Bearer"
        return page

    def _set_cookie(self, response: Response, value: str, seconds: int) -> None:
        response.set_cookie(
            COOKIE,
            value,
            max_age=seconds,
            path=f"{self.site.prefix}/runs",
            secure=self.site.is_encrypted,
            httponly=True,
            samesite="strict",
        )

    def _address(self, query: dict[str, str]) -> str:
        return f"{self.site.prefix}/runs" + (f"?{urlencode(query)}" if query else "")


async def _form(request: Request) -> dict[str, str]:
    """The first value of each field; nothing of a form that is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=None)
    return {name: values[0] for name, values in fields.items()}

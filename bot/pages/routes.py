"""Where the pages are."""

import time
from collections.abc import Callable, Sequence

from starlette.middleware import Middleware
from starlette.routing import Route

from bot.pages.event_stream import Streams
from bot.pages.github_links import Links
from bot.pages.headers import Guarded
from bot.pages.operator_pages import OperatorPages
from bot.pages.port import Runs
from bot.pages.run_pages import RunPages
from bot.pages.site import Site


def routes(
    runs: Runs,
    *,
    capability_keys: Sequence[bytes],
    operator_token: str,
    public_url: str,
    github_url: str,
    streams: Streams | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Route]:
    """The routes of the pages, to be served at the root of the application.

    Args:
        runs: what is shown.
        capability_keys: at least one; the first one makes the links, links of each are good.
        operator_token: for the table of all runs; empty, and there is no such table.
        public_url: where the bot is reached from outside. A proxy takes its path, if it has one, off.
        github_url: of GitHub's web pages.
        streams: to be closed when the server is to stop, because open ones would hold it up.
        clock: gives Unix time in seconds.
    """
    site, links = Site(public_url), Links(github_url)
    pages = RunPages(runs, site, links, capability_keys, streams or Streams(), clock)
    table = OperatorPages(runs, site, links, pages, operator_token, capability_keys, clock)
    return [
        Route(route.path, route.endpoint, methods=_methods(route), middleware=[Middleware(Guarded)])
        for route in [*table.routes(), *pages.routes(), *site.routes()]
    ]


def _methods(route: Route) -> list[str]:
    return sorted(route.methods or ())

"""Templates, their style and script, and where they are served. Everything that a template shows is escaped."""

import hashlib
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.pages import clock
from bot.pages.event_stream import RETRY_AFTER

STATIC = {"pages.css": "text/css", "run.js": "text/javascript"}
_KEPT_FOR = "public, max-age=31536000, immutable"
_ERRORS = {
    400: "This address says something that cannot be meant",
    404: "There is nothing here",
    503: "Not now",
}
_HINTS = {
    404: "The link may be incomplete, or the run so old that it is not kept any more.",
    503: "The bot is busy or cannot read its runs. Try again in a moment.",
}


class Site:
    """The pages' looks.

    Args:
        public_url: where the bot is reached from outside; what it has of a path stands before all addresses.
    """

    def __init__(self, public_url: str) -> None:
        self.prefix = urlsplit(public_url).path.rstrip("/")
        self.is_encrypted = urlsplit(public_url).scheme == "https"
        self._static = {name: files(__package__).joinpath("static", name).read_bytes() for name in STATIC}
        self._templates = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(prefix=self.prefix, static=self._address)
        self._templates.filters.update(
            stamp=clock.stamp, machine_stamp=clock.machine_stamp, age=clock.age, span=clock.span
        )

    def text(self, template: str, **shown: object) -> str:
        """A template's text."""
        return self._templates.get_template(template).render(**shown)

    def page(self, template: str, status: int = 200, **shown: object) -> HTMLResponse:
        """A template as an answer."""
        return HTMLResponse(self.text(template, **shown), status)

    def error(self, status: int, sentence: str = "") -> HTMLResponse:
        """A small page that says what is wrong and what to do."""
        title, hint = _ERRORS[status], sentence or _HINTS.get(status, "")
        page = self.page("error.html", status, title=title, hint=hint)
        if status == 503:  # noqa: PLR2004
            page.headers["Retry-After"] = str(RETRY_AFTER)
        return page

    def routes(self) -> list[Route]:
        """Where style and script are served."""
        return [Route("/static/{name}", self._file)]

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            return self.error(404)
        return Response(self._static[name], media_type=STATIC[name], headers={"Cache-Control": _KEPT_FOR})

    def _address(self, name: str) -> str:
        # The address changes with the content: what a browser keeps is never out of date.
        return f"{self.prefix}/static/{name}?v={hashlib.sha256(self._static[name]).hexdigest()[:12]}"

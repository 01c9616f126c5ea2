"""Apps from manifests: the page that takes one, and the exchange of its code.

The page stands where GitHub's stands, on the same host as the API; nobody has to log in or to press the button
that GitHub shows: who posts the form is sent back with the code at once.
"""

import json
from urllib.parse import parse_qsl, urlencode

from tests.fakes.github.access import Credential
from tests.fakes.github.answers import Answer, not_found
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import apps as views

TEXT = "text/plain; charset=utf-8"


def submit(exchange: Exchange) -> Answer:
    """Takes the form's `manifest`, and sends the browser to its `redirect_url` with `code` and `state`."""
    form = dict(parse_qsl(exchange.recorded.body.decode(errors="replace")))
    owner = exchange.recorded.parameters.get("org", "octocat")
    try:
        manifest = json.loads(form.get("manifest", ""))
        code = exchange.world.manifests.submit(manifest, owner)
    except ValueError as wrong:
        return Answer(422, f"Invalid GitHub App configuration: {wrong}".encode(), media_type=TEXT)
    back = manifest.get("redirect_url") or manifest["url"]
    query = {"code": code} | ({"state": exchange.query["state"]} if "state" in exchange.query else {})
    return Answer(302, headers={"location": f"{back}{'&' if '?' in back else '?'}{urlencode(query)}"})


def convert(exchange: Exchange) -> Answer:
    app = exchange.world.manifests.convert(exchange.text("code"))
    if app is None:
        raise not_found()
    return Answer(201, views.app_with_credentials(app, exchange.world))


ROUTES = (
    Route("POST", "/app-manifests/{code}/conversions", Credential.ANY, convert),
    Route("POST", "/settings/apps/new", Credential.ANY, submit),
    Route("POST", "/organizations/{org}/settings/apps/new", Credential.ANY, submit),
)

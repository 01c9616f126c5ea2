"""The fake GitHub without a socket: a recorded request in, an answer out.

Everything is done under the world's lock, so that two requests at once are two in a row.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.github import limits
from tests.fakes.github.access import ACCEPTED, Permission, judge_credential, judge_permission
from tests.fakes.github.answers import JSON, Answer, Refusal, not_found, refusal
from tests.fakes.github.credentials import Caller, identify, whose
from tests.fakes.github.recording import Recorded
from tests.fakes.github.routes import (
    actions,
    apps,
    checks,
    codeload,
    comments,
    git_objects,
    graphql,
    hooks,
    issues,
    manifests,
    pulls,
    refs,
    repositories,
)
from tests.fakes.github.routing import Exchange, Route, find
from tests.fakes.github.world import World

# The first that fits answers: `commits/{ref}` would take `commits/main/check-runs`, too.
API: Sequence[Route] = (
    *checks.ROUTES,
    *pulls.ROUTES,
    *comments.ROUTES,
    *issues.ROUTES,
    *apps.ROUTES,
    *hooks.ROUTES,
    *manifests.ROUTES,
    *actions.ROUTES,
    *refs.ROUTES,
    *git_objects.ROUTES,
    *repositories.ROUTES,
    *graphql.ROUTES,
)
HOSTS: dict[str, Sequence[Route]] = {"api": API, "codeload": codeload.ROUTES}
REQUEST_ID = "x-github-request-id"


@dataclass(frozen=True)
class Sent:
    """An answer as it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes


class Service:
    """Answers requests for a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def route(self, recorded: Recorded) -> Route | None:
        """The route of a request, noted in it."""
        found = find(HOSTS[recorded.host], recorded.method, recorded.path)
        if found is None:
            return None
        route, recorded.parameters = found
        recorded.template = route.template
        return route

    def attribute(self, recorded: Recorded) -> None:
        """Notes whose request it is."""
        with self.world.lock:
            if recorded.host == "codeload":
                recorded.app = self.world.archive_asked_by(recorded.path)
            else:
                recorded.app = whose(self.world, recorded.headers.get("authorization"))

    def serve(self, recorded: Recorded) -> Sent:
        """Does what a request asks for."""
        route = self.route(recorded)
        caller = Caller()
        with self.world.lock:
            try:
                if recorded.host == "api":
                    caller = self._caller(recorded)
                    limits.count(caller, recorded.path, self.world.clock.now())
                answer = self._answer(recorded, route, caller)
            except Refusal as refused:
                answer = refused.answer
            headers = (
                limits.headers_of(caller, recorded.path, self.world.clock.now())
                if recorded.host == "api"
                else {}
            )
        if route is not None and isinstance(route.access, Permission) and caller.token is not None:
            headers[ACCEPTED] = route.access.accepted
        return _not_modified(recorded, self.send(answer, headers))

    def send(self, answer: Answer, headers: dict[str, str] | None = None) -> Sent:
        """An answer with the headers that all of GitHub's have."""
        body = b""
        if isinstance(answer.body, bytes):
            body = answer.body
        elif answer.body is not None:
            body = json.dumps(answer.body, ensure_ascii=False).encode()
        common = {
            "server": "github.com",
            "date": self.world.clock.date(),
            REQUEST_ID: f"{secrets.token_hex(2)}:{secrets.token_hex(3)}:{secrets.token_hex(3)}".upper(),
            "x-github-media-type": "github.v3; format=json",
        }
        if answer.body is not None:
            common["content-type"] = answer.media_type
        given = {name.lower(): value for name, value in answer.headers.items()}
        return Sent(answer.status, {**common, **(headers or {}), **given}, body)

    def _caller(self, recorded: Recorded) -> Caller:
        if not recorded.headers.get("user-agent"):
            raise refusal(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a "
                "User-Agent header",
            )
        return identify(self.world, recorded.headers.get("authorization"))

    def _answer(self, recorded: Recorded, route: Route | None, caller: Caller) -> Answer:
        if route is None:
            raise not_found()
        if not isinstance(route.access, Permission):
            judge_credential(caller, route.access)
            return route.handler(Exchange(self.world, caller, recorded))
        name = f"{recorded.parameters['owner']}/{recorded.parameters['repo']}".lower()
        found = judge_permission(caller, route.access, self.world.repositories.get(name))
        return route.handler(Exchange(self.world, caller, recorded, found))


def _not_modified(recorded: Recorded, sent: Sent) -> Sent:
    """Answers of GET have an ETag; who has that one already gets 304."""
    is_taggable = recorded.method == "GET" and sent.status == 200 and sent.headers.get("content-type") == JSON
    if not is_taggable:
        return sent
    etag = f'W/"{hashlib.sha256(sent.body).hexdigest()}"'
    headers = {**sent.headers, "etag": etag, "cache-control": "private, max-age=60, s-maxage=60"}
    known = {each.strip() for each in recorded.headers.get("if-none-match", "").split(",")}
    if etag not in known:
        return Sent(sent.status, headers, sent.body)
    return Sent(304, {name: value for name, value in headers.items() if name != "content-type"}, b"")

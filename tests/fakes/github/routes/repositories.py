"""A repository, who may do what in it, and how many requests are left."""

from tests.fakes.github.access import Credential, Permission, read
from tests.fakes.github.answers import Answer, refusal
from tests.fakes.github.limits import limit_of
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views.accounts import permission
from tests.fakes.github.views.repositories import repository


def show(exchange: Exchange) -> Answer:
    return Answer(200, repository(exchange.repository))


def permission_of(exchange: Exchange) -> Answer:
    """Anybody has `read` where the repository is public; a login that nobody has is 404."""
    home = exchange.repository
    login = exchange.text("username").lower()
    account = exchange.world.accounts.get(login)
    if account is None:
        raise refusal(404, f"{exchange.text('username')} is not a user")
    member = home.members.get(login)
    return Answer(200, permission(account, member, exchange.world.url, is_public=not home.is_private))


def rate_limit(exchange: Exchange) -> Answer:
    core = limit_of(exchange.caller, exchange.world.clock.now())
    resources = {"core": core, "search": {**core, "limit": 30, "used": 0, "remaining": 30}}
    return Answer(200, {"resources": resources, "rate": core})


REPOSITORY = "/repos/{owner}/{repo}"
ROUTES = (
    Route("GET", REPOSITORY, read("metadata"), show),
    Route(
        "GET",
        f"{REPOSITORY}/collaborators/{{username}}/permission",
        Permission(("metadata",), "read"),
        permission_of,
    ),
    Route("GET", "/rate_limit", Credential.ANY, rate_limit),
)

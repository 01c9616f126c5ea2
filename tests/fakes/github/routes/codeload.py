"""Archives, on a host of their own that wants no Authorization: who sends one there gives a token away.

GitHub's own answer to one is not known; here it is 400.
"""

from tests.fakes.github.access import Credential
from tests.fakes.github.answers import Answer, not_found, refusal
from tests.fakes.github.routing import Exchange, Route

SHORT_SHA = 7


def archive(exchange: Exchange) -> Answer:
    if "authorization" in exchange.recorded.headers:
        raise refusal(400, "An Authorization header was sent to the host of the archives")
    name = f"{exchange.text('owner')}/{exchange.text('repo')}"
    home = exchange.world.repositories.get(name.lower())
    if home is None:
        raise not_found()
    if home.is_private and not exchange.world.is_ticket(exchange.query.get("token", ""), home.full_name):
        raise not_found()
    sha = home.resolve(exchange.text("ref"))
    if sha is None:
        raise not_found()
    top = f"{home.owner}-{home.name}-{sha[:SHORT_SHA]}"
    return Answer(
        200,
        home.git.archive(sha, top),
        {"content-disposition": f"attachment; filename={top}.tar.gz", "etag": f'W/"{sha}"'},
        "application/x-gzip",
    )


ROUTES = (Route("GET", "/{owner}/{repo}/legacy.tar.gz/{ref}", Credential.ANY, archive),)

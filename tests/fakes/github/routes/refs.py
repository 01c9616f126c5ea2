"""Branches and other refs. An annotated tag is shown as its commit; GitHub shows the tag's own object."""

from tests.fakes.github.access import read
from tests.fakes.github.answers import Answer, not_found, refusal
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views.commits import commit


def branch(exchange: Exchange) -> Answer:
    home, name = exchange.repository, exchange.text("branch")
    sha = home.resolve(f"refs/heads/{name}")
    if sha is None:
        raise refusal(404, "Branch not found")
    url = f"{exchange.world.url}/repos/{home.full_name}/branches/{name}"
    shown = {
        "name": name,
        "commit": commit(home.git.commit(sha), home),
        "_links": {"self": url, "html": f"{exchange.world.url}/{home.full_name}/tree/{name}"},
        "protected": False,
        "protection": {"enabled": False},
        "protection_url": f"{url}/protection",
    }
    return Answer(200, shown)


def ref(exchange: Exchange) -> Answer:
    home, name = exchange.repository, exchange.text("ref")
    sha = home.resolve(f"refs/{name}")
    if sha is None:
        raise not_found()
    api = f"{exchange.world.url}/repos/{home.full_name}/git"
    shown = {
        "ref": f"refs/{name}",
        "node_id": f"REF_{home.id}_{name}",
        "url": f"{api}/refs/{name}",
        "object": {"type": "commit", "sha": sha, "url": f"{api}/commits/{sha}"},
    }
    return Answer(200, shown)


REPOSITORY = "/repos/{owner}/{repo}"
ROUTES = (
    Route("GET", f"{REPOSITORY}/branches/{{branch}}", read("contents"), branch),
    Route("GET", f"{REPOSITORY}/git/ref/{{ref}}", read("contents"), ref),
)

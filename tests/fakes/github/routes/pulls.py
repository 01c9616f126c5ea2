"""Pull requests."""

from tests.fakes.github.access import read
from tests.fakes.github.answers import Answer, not_found
from tests.fakes.github.pulls import Pull
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import pulls as views
from tests.fakes.github.views.commits import changed_file, commit

TEXT = "text/plain; charset=utf-8"
MAX_FILES = 3000


def show(exchange: Exchange) -> Answer:
    pull = _pull(exchange)
    git = exchange.repository.git
    if exchange.accepts("diff"):
        return Answer(200, git.diff(views.base_of(pull, exchange.repository), pull.head), media_type=TEXT)
    if exchange.accepts("patch"):
        return Answer(200, git.patches(views.base_of(pull, exchange.repository), pull.head), media_type=TEXT)
    return Answer(200, views.pull(pull, exchange.repository))


def listed(exchange: Exchange) -> Answer:
    query = exchange.query
    state = query.get("state", "open")
    repository = exchange.repository
    found = [
        pull
        for pull in repository.pulls.values()
        if state in {"all", pull.state}
        and query.get("base") in {None, pull.base}
        and query.get("head") in {None, views.simple_pull(pull, repository)["head"]["label"]}
    ]
    key = "updated_at" if query.get("sort") == "updated" else "created_at"
    # Times have seconds only: what was made in one second is told apart by its number.
    found.sort(key=lambda pull: (getattr(pull, key), pull.number))
    default = "desc" if query.get("sort", "created") == "created" else "asc"
    if query.get("direction", default) == "desc":
        found.reverse()
    page, headers = exchange.page(found)
    return Answer(200, [views.simple_pull(pull, repository) for pull in page], headers)


def files(exchange: Exchange) -> Answer:
    pull = _pull(exchange)
    repository = exchange.repository
    changes = repository.git.changes(views.base_of(pull, repository), pull.head)[:MAX_FILES]
    page, headers = exchange.page(changes)
    return Answer(200, [changed_file(change, pull.head, repository) for change in page], headers)


def commits(exchange: Exchange) -> Answer:
    pull = _pull(exchange)
    repository = exchange.repository
    tip = repository.resolve(f"refs/heads/{pull.base}")
    found = repository.git.commits(pull.head, *([f"^{tip}"] if tip else []))[::-1]
    page, headers = exchange.page(found)
    return Answer(200, [commit(each, repository) for each in page], headers)


def _pull(exchange: Exchange) -> Pull:
    pull = exchange.repository.pulls.get(exchange.number("pull_number"))
    if pull is None:
        raise not_found()
    return pull


PULLS = "/repos/{owner}/{repo}/pulls"
ROUTES = (
    Route("GET", PULLS, read("pull_requests"), listed),
    Route("GET", f"{PULLS}/{{pull_number}}", read("pull_requests"), show),
    Route("GET", f"{PULLS}/{{pull_number}}/files", read("pull_requests"), files),
    Route("GET", f"{PULLS}/{{pull_number}}/commits", read("pull_requests"), commits),
)

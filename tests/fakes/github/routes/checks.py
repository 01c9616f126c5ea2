"""Check runs and check suites."""

from collections.abc import Iterable

from tests.fakes.github.access import read, write
from tests.fakes.github.answers import Answer, not_found
from tests.fakes.github.checks import CheckRun, Suite
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import checks as views


def create(exchange: Exchange) -> Answer:
    check = exchange.repository.create_check(exchange.body, exchange.app)
    return Answer(201, views.check_run(check, exchange.repository), {"location": _url(check, exchange)})


def show(exchange: Exchange) -> Answer:
    return Answer(200, views.check_run(_check(exchange), exchange.repository))


def change(exchange: Exchange) -> Answer:
    check = _check(exchange)
    exchange.repository.change_check(check, exchange.body, exchange.app)
    return Answer(200, views.check_run(check, exchange.repository))


def annotations(exchange: Exchange) -> Answer:
    check = _check(exchange)
    page, headers = exchange.page(check.annotations)
    return Answer(200, [views.annotation(each, check, exchange.repository) for each in page], headers)


def of_commit(exchange: Exchange) -> Answer:
    sha = exchange.commit("ref")
    return _list(exchange, (check for check in _all(exchange) if check.head_sha == sha))


def of_suite(exchange: Exchange) -> Answer:
    suite = _suite(exchange)
    return _list(exchange, (check for check in _all(exchange) if check.suite is suite))


def suites(exchange: Exchange) -> Answer:
    sha = exchange.commit("ref")
    app_id = exchange.query.get("app_id")
    name = exchange.query.get("check_name")
    found = [
        suite
        for suite in exchange.repository.suites
        if suite.head_sha == sha
        and app_id in {None, str(suite.app.id)}
        and (name is None or any(check.suite is suite and check.name == name for check in _all(exchange)))
    ]
    page, headers = exchange.page(found)
    shown = [views.suite(suite, exchange.repository) for suite in page]
    return Answer(200, {"total_count": len(found), "check_suites": shown}, headers)


def show_suite(exchange: Exchange) -> Answer:
    return Answer(200, views.suite(_suite(exchange), exchange.repository))


def _url(check: CheckRun, exchange: Exchange) -> str:
    return f"{exchange.world.url}/repos/{exchange.repository.full_name}/check-runs/{check.id}"


def _all(exchange: Exchange) -> Iterable[CheckRun]:
    return exchange.repository.check_runs.values()


def _check(exchange: Exchange) -> CheckRun:
    check = exchange.repository.check_runs.get(exchange.number("check_run_id"))
    if check is None:
        raise not_found()
    return check


def _suite(exchange: Exchange) -> Suite:
    identity = exchange.number("check_suite_id")
    suite = next((suite for suite in exchange.repository.suites if suite.id == identity), None)
    if suite is None:
        raise not_found()
    return suite


def _list(exchange: Exchange, checks: Iterable[CheckRun]) -> Answer:
    """The newest first; `filter=latest`, the default, leaves of each name the newest of its suite."""
    query = exchange.query
    found = [
        check
        for check in checks
        if query.get("check_name") in {None, check.name} and query.get("app_id") in {None, str(check.app_id)}
    ]
    if query.get("filter", "latest") != "all":
        newest = {(check.suite.id, check.name): check for check in found}
        found = [check for check in found if newest[check.suite.id, check.name] is check]
    found = [check for check in found if query.get("status") in {None, check.status}]
    page, headers = exchange.page(found[::-1])
    shown = [views.check_run(check, exchange.repository) for check in page]
    return Answer(200, {"total_count": len(found), "check_runs": shown}, headers)


REPOSITORY = "/repos/{owner}/{repo}"
ROUTES = (
    Route("POST", f"{REPOSITORY}/check-runs", write("checks"), create),
    Route("GET", f"{REPOSITORY}/check-runs/{{check_run_id}}", read("checks"), show),
    Route("PATCH", f"{REPOSITORY}/check-runs/{{check_run_id}}", write("checks"), change),
    Route("GET", f"{REPOSITORY}/check-runs/{{check_run_id}}/annotations", read("checks"), annotations),
    Route("GET", f"{REPOSITORY}/commits/{{ref}}/check-runs", read("checks"), of_commit),
    Route("GET", f"{REPOSITORY}/commits/{{ref}}/check-suites", read("checks"), suites),
    Route("GET", f"{REPOSITORY}/check-suites/{{check_suite_id}}", read("checks"), show_suite),
    Route("GET", f"{REPOSITORY}/check-suites/{{check_suite_id}}/check-runs", read("checks"), of_suite),
)

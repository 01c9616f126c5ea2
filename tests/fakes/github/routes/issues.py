"""Issues; a pull request is one, too."""

from tests.fakes.github.access import read
from tests.fakes.github.answers import Answer, not_found
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import issues as views


def show(exchange: Exchange) -> Answer:
    topic = exchange.repository.topic(exchange.number("issue_number"))
    if topic is None:
        raise not_found()
    return Answer(200, views.issue(topic, exchange.repository))


ROUTES = (Route("GET", "/repos/{owner}/{repo}/issues/{issue_number}", read("issues", "pull_requests"), show),)

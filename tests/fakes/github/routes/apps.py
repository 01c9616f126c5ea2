"""An App about itself, and the tokens of its installations.

Ours, because sources are silent: an empty list of repositories is refused.
"""

from typing import Any

from tests.fakes.github.access import Credential
from tests.fakes.github.answers import Answer, failed_validation, invalid, not_found, refusal
from tests.fakes.github.apps import LEVELS, covers
from tests.fakes.github.installations import Installation
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import apps as views
from tests.fakes.github.views.repositories import repository


def itself(exchange: Exchange) -> Answer:
    return Answer(200, views.app(exchange.app, exchange.world))


def installations(exchange: Exchange) -> Answer:
    page, headers = exchange.page(exchange.app.installations)
    return Answer(200, [views.installation(each, exchange.world) for each in page], headers)


def installation(exchange: Exchange) -> Answer:
    return Answer(200, views.installation(_installation(exchange), exchange.world))


def of_repository(exchange: Exchange) -> Answer:
    found = exchange.app.installation_on(f"{exchange.text('owner')}/{exchange.text('repo')}")
    if found is None:
        raise not_found()
    return Answer(200, views.installation(found, exchange.world))


def mint(exchange: Exchange) -> Answer:
    """A token for an hour, for all that the installation has or for the part that the body names."""
    found = _installation(exchange)
    if found.is_suspended:
        raise refusal(403, "This installation has been suspended")
    repositories = _repositories(exchange, found)
    permissions = _permissions(exchange.body.get("permissions"), found)
    token = exchange.app.mint(found, repositories, permissions)
    return Answer(201, views.token(token, exchange.world))


def revoke(exchange: Exchange) -> Answer:
    assert exchange.caller.token is not None
    exchange.caller.token.expire()
    return Answer(204)


def repositories(exchange: Exchange) -> Answer:
    assert exchange.caller.token is not None
    found = [exchange.world.repositories[name] for name in sorted(exchange.caller.token.repositories)]
    page, headers = exchange.page(found)
    shown = [repository(each) for each in page]
    return Answer(
        200, {"total_count": len(found), "repository_selection": "selected", "repositories": shown}, headers
    )


def _installation(exchange: Exchange) -> Installation:
    identity = exchange.number("installation_id")
    found = next((each for each in exchange.app.installations if each.id == identity), None)
    if found is None:
        raise not_found()
    return found


def _repositories(exchange: Exchange, found: Installation) -> frozenset[str]:
    names = _strings_or_numbers(exchange.body, "repositories", str)
    ids = _strings_or_numbers(exchange.body, "repository_ids", int)
    if names is None and ids is None:
        return frozenset(name for name in found.repositories if name in exchange.world.repositories)
    wanted = {f"{found.account}/{name}".lower() for name in names or []}
    known = {each.id: name for name, each in exchange.world.repositories.items()}
    wanted |= {known.get(identity, "") for identity in ids or []}
    there = found.repositories & exchange.world.repositories.keys()
    if not wanted or not wanted <= there:
        raise refusal(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent "
            "installation.",
        )
    return frozenset(wanted)


def _strings_or_numbers[T](body: dict[str, Any], name: str, kind: type[T]) -> list[T] | None:
    values = body.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or any(type(value) is not kind for value in values):
        raise invalid(f"For 'properties/{name}', not an array of {kind.__name__}.")
    return values


def _permissions(wanted: Any, found: Installation) -> dict[str, str]:
    granted = found.app.permissions
    # PyGithub sends an empty object for all that there is, and works on GitHub.
    if wanted is None or wanted == {}:
        return dict(granted)
    if not isinstance(wanted, dict) or any(level not in LEVELS[1:] for level in wanted.values()):
        raise invalid("For 'properties/permissions', not an object of permissions.")
    beyond = [name for name, level in wanted.items() if not covers(granted, name, level)]
    if beyond:
        raise failed_validation(
            "Token",
            "permissions",
            f"The permissions requested are not granted to this installation: {', '.join(beyond)}",
        )
    return {"metadata": "read"} | wanted


ROUTES = (
    Route("GET", "/app", Credential.JWT, itself),
    Route("GET", "/app/installations", Credential.JWT, installations),
    Route("GET", "/app/installations/{installation_id}", Credential.JWT, installation),
    Route("POST", "/app/installations/{installation_id}/access_tokens", Credential.JWT, mint),
    Route("GET", "/repos/{owner}/{repo}/installation", Credential.JWT, of_repository),
    Route("GET", "/installation/repositories", Credential.TOKEN, repositories),
    Route("DELETE", "/installation/token", Credential.TOKEN, revoke),
)

"""Rate limits by the hour: 5 000 requests for an installation, 1 000 for a job's token, 60 for nobody.

An App by its JWT is not counted, and neither are GraphQL's queries, which GitHub counts apart. Secondary limits are
faults that a test adds, or are begun by `Meter.close`. Source:
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from tests.fakes.github.answers import refusal
from tests.fakes.github.credentials import ANONYMOUS_LIMIT, Caller
from tests.fakes.github.meter import HOUR, INSTALLATION_LIMIT

UNCOUNTED = {"/rate_limit": "core", "/graphql": "graphql"}
"""Paths and what GitHub calls that which they do count for."""


def limit_of(caller: Caller, now: float) -> dict[str, int]:
    if caller.token is not None:
        return caller.token.meter.left(now)
    limit = INSTALLATION_LIMIT if caller.app else ANONYMOUS_LIMIT
    return {"limit": limit, "used": 0, "remaining": limit, "reset": int(now) + HOUR}


def headers_of(caller: Caller, path: str, now: float) -> dict[str, str]:
    resource = UNCOUNTED.get(path, "core")
    values = limit_of(caller if resource == "core" else Caller(app=caller.app), now)
    return {
        **{f"x-ratelimit-{name}": str(value) for name, value in values.items()},
        "x-ratelimit-resource": resource,
    }


def count(caller: Caller, path: str, now: float) -> None:
    """One more request.

    Raises:
        Refusal: 403, it was one too many, or came while none is wanted.
    """
    if caller.token is None or path == "/rate_limit":
        return
    meter = caller.token.meter
    caller.token.count()
    if path not in UNCOUNTED:
        meter.count(now)
    if (seconds := meter.closed_for(now)) > 0:
        meter.refused += 1
        raise refusal(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            headers={"retry-after": str(seconds)},
        )
    if meter.used > meter.limit and path not in UNCOUNTED:
        meter.refused += 1
        raise refusal(403, f"API rate limit exceeded for installation ID {caller.token.installation_id}.")

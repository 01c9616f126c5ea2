"""Rate limits by the hour: 5 000 requests for an installation, 1 000 for a job's token, 60 for nobody.

An App by its JWT is not counted. Secondary limits are faults that a test adds.
"""

from tests.fakes.github.answers import Refusal, refusal
from tests.fakes.github.credentials import ANONYMOUS_LIMIT, Caller

HOUR = 3600
APP_LIMIT = 5000


def limit_of(caller: Caller, now: float) -> dict[str, int]:
    token = caller.token
    if token is None:
        limit = APP_LIMIT if caller.app else ANONYMOUS_LIMIT
        return {"limit": limit, "used": 0, "remaining": limit, "reset": int(now) + HOUR}
    used = min(token.used, token.limit) if now < token.reset_at else 0
    reset = int(token.reset_at) if now < token.reset_at else int(now) + HOUR
    return {"limit": token.limit, "used": used, "remaining": token.limit - used, "reset": reset}


def headers_of(caller: Caller, now: float) -> dict[str, str]:
    values = limit_of(caller, now)
    return {
        **{f"x-ratelimit-{name}": str(value) for name, value in values.items()},
        "x-ratelimit-resource": "core",
    }


def count(caller: Caller, now: float) -> None:
    """One more request.

    Raises:
        Refusal: 403, it was one too many.
    """
    token = caller.token
    if token is None:
        return
    token.count(now)
    if token.used > token.limit:
        raise _exceeded(token.installation_id)


def _exceeded(installation_id: int) -> Refusal:
    return refusal(403, f"API rate limit exceeded for installation ID {installation_id}.")

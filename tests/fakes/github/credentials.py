"""Who asks: an App by its JWT, an App's installation by a token, or nobody.

A JWT is RS256 by the App's own key, with `iss`, an `iat` that is not in the future, and an `exp` that is, by
at most ten minutes.
"""

from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.fakes.github.answers import Refusal, refusal
from tests.fakes.github.apps import App, Token
from tests.fakes.github.world import World

JWT_LIFETIME = 600
ANONYMOUS_LIMIT = 60


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        app: the App, by JWT or by its token; None for nobody.
        token: the token, None for a JWT and for nobody.
    """

    app: App | None = None
    token: Token | None = None

    @property
    def is_jwt(self) -> bool:
        return self.app is not None and self.token is None


def identify(world: World, authorization: str | None) -> Caller:
    """Raises: Refusal, 401, for credentials that GitHub does not know (any more)."""
    if authorization is None:
        return Caller()
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() not in {"bearer", "token"} or not value:
        raise _bad_credentials()
    if value.count(".") == 2 and not value.startswith("ghs_"):
        if scheme.lower() != "bearer":
            raise refusal(401, "A JSON web token could not be decoded")
        return Caller(app=_app_of(world, value))
    token = world.tokens.get(value)
    if token is None or not token.is_valid(world.clock.now()):
        raise _bad_credentials()
    if any(found.id == token.installation_id and found.is_suspended for found in token.app.installations):
        raise refusal(403, "This installation has been suspended")
    return Caller(app=token.app, token=token)


def whose(world: World, authorization: str | None) -> str | None:
    """Slug of the App that a credential is of, valid or not; None if it is nobody's."""
    value = (authorization or "").partition(" ")[2].strip()
    token = world.tokens.get(value)
    if token is not None:
        return token.app.slug
    try:
        claims: dict[str, Any] = jwt.decode(value, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    app = _issuer(world, claims)
    return app.slug if app else None


def _issuer(world: World, claims: dict[str, Any]) -> App | None:
    issuer = str(claims.get("iss"))
    return next((found for found in world.apps.values() if issuer in {str(found.id), found.client_id}), None)


def _bad_credentials() -> Refusal:
    return refusal(401, "Bad credentials")


def _app_of(world: World, value: str) -> App:
    undecodable = refusal(401, "A JSON web token could not be decoded")
    try:
        claims: dict[str, Any] = jwt.decode(value, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise undecodable from None
    app = _issuer(world, claims)
    if app is None or not app.private_key:
        raise refusal(404, "Integration not found")
    key = load_pem_private_key(app.private_key.encode(), None).public_key()
    unchecked = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_iss": False}
    try:
        jwt.decode(value, key, algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]
    except jwt.InvalidTokenError:
        raise undecodable from None
    _judge_times(claims, world.clock.now())
    return app


def _judge_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(expires, int | float) or expires <= now:
        raise refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
            "the assertion expires",
        )
    if expires > now + JWT_LIFETIME:
        raise refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if not isinstance(issued, int | float) or issued > now:
        raise refusal(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )

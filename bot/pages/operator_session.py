"""Who may see all runs: whoever has the operator's token, or a cookie that was given for it. Pure.

The cookie says until when it is good, and is signed with a key of the bot and the token: it holds neither, and a
new token ends every session.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

COOKIE = "operator"
LASTS = 7 * 24 * 3600
"""Seconds for which a cookie is good."""
_FORM = re.compile(r"(?P<until>[1-9][0-9]{0,11})\.(?P<mark>[0-9a-f]{64})")


def is_token(token: str, given: str) -> bool:
    """Whether `given` is the operator's token. Without a token nobody is the operator."""
    return bool(token) and hmac.compare_digest(
        token.encode("utf-8", "replace"), given.encode("utf-8", "replace")
    )


def cookie_of(key: bytes, token: str, now: float) -> str:
    """The value of a cookie that is good from now on (Unix time in seconds)."""
    until = int(now) + LASTS
    return f"{until}.{_mark(key, token, until)}"


def is_cookie(keys: Iterable[bytes], token: str, given: str, now: float) -> bool:
    """Whether `given` is the value of a cookie of ours that is still good."""
    found = _FORM.fullmatch(given)
    if not found or not token:
        return False
    until = int(found["until"])
    ours = any(hmac.compare_digest(_mark(key, token, until), found["mark"]) for key in keys)
    return ours and now < until


def _mark(key: bytes, token: str, until: int) -> str:
    said = b"operator %d " % until + hashlib.sha256(token.encode("utf-8", "replace")).digest()
    return hmac.digest(key, said, hashlib.sha256).hex()

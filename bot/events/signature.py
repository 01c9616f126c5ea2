"""Whether a delivery is from GitHub: HMAC-SHA256 of the raw body, keyed with the webhook's secret. Pure.

Only `X-Hub-Signature-256` counts; SHA-1, which GitHub still sends beside it, proves nothing here. Whatever a
stranger puts into the header, the answer is no, never an error.

Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac

_SCHEME = "sha256="


class Signature:
    """The signature of a body that arrives in pieces, so that it is proved before any of it is parsed."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the webhook's.

        Raises:
            ValueError: it is empty, and everybody could sign.
        """
        if not secret:
            raise ValueError("the webhook's secret is empty")
        self._hmac = hmac.new(secret, digestmod=hashlib.sha256)

    def __str__(self) -> str:
        """As GitHub writes it into `X-Hub-Signature-256`."""
        return _SCHEME + self._hmac.hexdigest()

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes of the body, as they came."""
        self._hmac.update(chunk)

    def matches(self, header: bytes | None) -> bool:
        """Whether this header, as it came, signs all that was fed; takes the same time for every wrong one."""
        # Bytes: `compare_digest` raises on text that is not ASCII, and anybody can send some.
        return header is not None and hmac.compare_digest(str(self).encode(), header)

"""The bot's log on standard error: a line for what happened, redacted as a whole, tracebacks included."""

import logging
import sys
from collections.abc import Iterable

from automation.redaction import Redactor

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
CHATTY = ("alembic", "asyncio", "httpx", "httpcore", "urllib3", "github", "uvicorn", "websockets")
"""Libraries whose ordinary lines say what ours say already, some of them with whole addresses."""


class _Redacted(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__(FORM)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


def log_to_stderr(secrets: Iterable[str], level: int = logging.INFO) -> None:
    """Log from here on, without any of the secrets."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacted(Redactor(secrets)))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)

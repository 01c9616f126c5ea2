"""The bot's log on standard error: a line for what happened, redacted as a whole, tracebacks included.

Each line says what it is about (`bot.log_context`), as text or as JSON.
"""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from automation.redaction import Redactor
from bot.log_context import bound

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
CHATTY = ("alembic", "asyncio", "httpx", "httpcore", "urllib3", "github", "uvicorn", "websockets")
"""Libraries whose ordinary lines say what ours say already, some of them with whole addresses."""


class LogFormat(StrEnum):
    TEXT = "text"
    """A line for people, with what it is about behind it as `key=value`."""
    JSON = "json"
    """A JSON object a line."""


class _Text(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__(FORM)
        self._redactor = redactor

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """The line itself; a traceback comes behind it."""
        words = (f"{name}={_quoted(word)}" for name, word in bound().items())
        return " ".join([super().formatMessage(record), *words])

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


class _Json(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **bound(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # Each by itself: escaped for JSON, a secret of several lines is not known again.
        return json.dumps({name: self._redactor.text(text) for name, text in line.items()})


def log_to_stderr(
    secrets: Iterable[str], form: LogFormat = LogFormat.TEXT, level: int = logging.INFO
) -> None:
    """Log from here on, without any of the secrets."""
    redactor = Redactor(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json(redactor) if form is LogFormat.JSON else _Text(redactor))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _quoted(word: str) -> str:
    """As one word, whatever is in it."""
    return word if word.isprintable() and not set(word) & set(' "=') else json.dumps(word)

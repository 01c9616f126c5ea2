"""The log: a line for each thing, and no secret in any, tracebacks included."""

import logging
from collections.abc import Iterator

import pytest

from bot.log import CHATTY, log_to_stderr

SECRET = "the-secret-hunter2"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in CHATTY}
    # pytest's own handlers are not to be closed by `force`.
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_no_secret_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([SECRET])
    log = logging.getLogger("bot.test")
    log.info("given %s", SECRET)
    try:
        int(SECRET)
    except ValueError:
        log.exception("a defect")
    written = capsys.readouterr().err
    assert "INFO bot.test: given ***" in written
    assert "ValueError: invalid literal for int() with base 10: '***'" in written
    assert SECRET not in written


def test_libraries_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([])
    logging.getLogger("httpx").info("HTTP Request: GET https://github.test/?k=capability")
    logging.getLogger("bot.test").debug("details")
    # A name of its own: whoever has served something in this process may have set uvicorn's otherwise.
    logging.getLogger("some.package").warning("trouble")
    assert capsys.readouterr().err.endswith("WARNING some.package: trouble\n")

"""The log: a line for each thing, with what it is about, and no secret in any, tracebacks included."""

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from automation.github.daemon_thread import in_daemon_thread
from bot.log import CHATTY, LogFormat, log_to_stderr
from bot.log_context import about, about_nothing, about_run, bound
from tests.bot.store.rows import a_run

SECRET = "the-secret-hunter2"
KEY = "-----BEGIN KEY-----\nhunter2hunter2hunter2\n-----END KEY-----"
RUN = a_run(delivery="3f1c")

log = logging.getLogger("bot.test")
core = logging.getLogger("automation.test")


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


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines of JSON."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("form", LogFormat)
def test_no_secret_is_logged(capsys: pytest.CaptureFixture[str], form: LogFormat) -> None:
    log_to_stderr([SECRET, KEY], form)
    with about(repository=SECRET):
        log.info("given %s and %s", SECRET, KEY)
        try:
            int(SECRET)
        except ValueError:
            log.exception("a defect")
    said = capsys.readouterr().err
    assert "given *** and ***" in said
    assert "ValueError: invalid literal for int() with base 10: '***'" in said
    assert "hunter2" not in said


def test_a_line_of_text_ends_with_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([])
    log.info("of nothing")
    with about_run(RUN):
        log.info("of a run")
        with about(delivery="", repository='a "b"'):
            core.warning("of something odd")
    alone, run, odd = capsys.readouterr().err.splitlines()
    assert alone.endswith(" INFO bot.test: of nothing")
    assert run.endswith(f" INFO bot.test: of a run delivery=3f1c run={RUN.id} repository=octo/demo")
    assert odd.endswith(rf' of something odd run={RUN.id} repository="a \"b\""')


def test_a_traceback_comes_behind_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([])
    try:
        int("x")
    except ValueError:
        with about(run="1"):
            log.exception("a defect")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("a defect run=1")
    assert rest[0] == "Traceback (most recent call last):"


def test_a_line_of_json_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([], LogFormat.JSON)
    with about_run(RUN):
        core.warning("two\nlines of %s", "it")
    try:
        int("x")
    except ValueError:
        log.exception("a defect")
    about_it, defect = written(capsys)
    at = datetime.fromisoformat(about_it.pop("time"))
    assert at.tzinfo == UTC
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert about_it == {
        "level": "WARNING",
        "logger": "automation.test",
        "message": "two\nlines of it",
        "delivery": "3f1c",
        "run": str(RUN.id),
        "repository": "octo/demo",
    }
    assert defect["exception"].startswith("Traceback (most recent call last):\n")
    assert set(defect) == {"time", "level", "logger", "message", "exception"}


async def test_tasks_and_threads_carry_it_on(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([], LogFormat.JSON)

    async def work() -> None:
        core.info("in a task")
        await asyncio.to_thread(core.info, "in a thread")
        await in_daemon_thread(lambda: core.info("in a thread of GitHub's client"))

    with about_run(RUN):
        task = asyncio.create_task(work())
    await task
    assert bound() == {}
    lines = written(capsys)
    assert len(lines) == 3
    assert {line["run"] for line in lines} == {str(RUN.id)}


def test_what_goes_on_for_others_is_about_nothing() -> None:
    with about_run(RUN), about_nothing():
        assert bound() == {}
        with about(repository="octo/other"):
            assert bound() == {"repository": "octo/other"}


def test_libraries_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr([])
    logging.getLogger("httpx").info("HTTP Request: GET https://github.test/?k=capability")
    logging.getLogger("bot.test").debug("details")
    # A name of its own: whoever has served something in this process may have set uvicorn's otherwise.
    logging.getLogger("some.package").warning("trouble")
    assert capsys.readouterr().err.endswith("WARNING some.package: trouble\n")

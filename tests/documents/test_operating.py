"""What is said about operating the bot is so: causes, figures, and the commands for a PostgreSQL's back-up."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from bot.app import LEFT_WITHIN
from bot.disk import FULL, LEAST_FREE, MIB
from bot.log import LogFormat
from bot.log_context import WORDS
from bot.otlp import CLOSED_WITHIN
from bot.retention import DAY, DELIVERIES_KEPT, REPLIES_KEPT, RUNS_KEPT
from bot.runs.driver import SWEPT_WITHIN
from bot.settings import NAMES
from bot.store.store import Store
from bot.telemetry import ENDPOINTS, PROTOCOL
from bot.trouble import UNREADY, Cause
from tests.bot.store.rows import a_run
from tests.postgresql import PostgreSQL, program

OPERATING = (Path(__file__).parents[2] / "bot/OPERATING.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(
        rf"^##+ {re.escape(title)}\n(.*?)(?=^## |^### |\Z)", OPERATING, re.MULTILINE | re.DOTALL
    )
    assert found, f"bot/OPERATING.md has no section {title!r}"
    return found[1]


def commands(title: str) -> list[str]:
    """The command lines of a section."""
    return re.findall(r"^\$ (.+)$", section(title), re.MULTILINE)


def test_every_cause_is_in_the_table_with_its_severity() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", section("Ready or not"), re.MULTILINE))
    assert rows == {cause: "error" if cause in UNREADY else "warning" for cause in Cause}


def test_every_word_of_the_log_is_named() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", section("The log"), re.MULTILINE)
    assert tuple(rows) == ("delivery", "run", "repository") == WORDS
    for form in LogFormat:
        assert f"`BOT_LOG_FORMAT={form}`" in section("The log")


@pytest.mark.parametrize(
    ("title", "phrase"),
    [
        ("Deploying", f"ends within {LEFT_WITHIN + 1:g} s"),
        ("Ready or not", f"Less than {FULL // MIB} MiB are free"),
        ("Ready or not", f"Less than {LEAST_FREE // MIB} MiB are free"),
        ("Ready or not", f"for {SWEPT_WITHIN:g} s"),
        ("Traces", f"get {CLOSED_WITHIN:g} s"),
        ("Traces", f"`{PROTOCOL}`"),
        *(("Traces", f"`{name}`") for name in ENDPOINTS),
        ("What is stored", f"{DELIVERIES_KEPT / DAY:g} days; those of a run"),
        ("What is stored", f"{RUNS_KEPT / DAY:g} days after its end"),
        ("What is stored", f"{REPLIES_KEPT / DAY:g} days"),
    ],
)
def test_figures(title: str, phrase: str) -> None:
    assert phrase in section(title)


def test_every_setting_that_is_named_is_one() -> None:
    named = set(re.findall(r"\b(?:BOT|AUTOMATION)_[A-Z_]+\b", OPERATING))
    assert named - set(NAMES) <= {"AUTOMATION_BOT_IMAGE"}


async def test_a_postgresqls_back_up_restores_what_was_there(postgres: PostgreSQL, tmp_path: Path) -> None:
    back_up, restore = commands("PostgreSQL")
    kept, later = a_run(), a_run()
    pg_dump = program("pg_dump")
    assert pg_dump is not None

    def typed(command: str, url: str) -> None:
        path = os.pathsep.join([str(pg_dump.parent), os.environ["PATH"]])
        environment = {"PATH": path, "HOME": str(tmp_path), "BOT_DATABASE_URL": url}
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")

    with postgres.database() as url, postgres.database() as elsewhere:
        async with Store.open(url) as store:
            assert await store.runs.add(kept)
            # While it is in use.
            typed(back_up, url)
            assert await store.runs.add(later)
        assert (tmp_path / "copy.dump").stat().st_mode & 0o777 == 0o600
        for place in (url, elsewhere):
            typed(restore, place)
            async with Store.open(place) as store:
                assert await store.runs.get(kept.id) == kept
                assert await store.runs.get(later.id) is None
                assert await store.runs.add(later)

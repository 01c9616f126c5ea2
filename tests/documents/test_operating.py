"""What is said about operating the bot is so: causes, figures, and the commands for a PostgreSQL's back-up."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.github.lane import Lane
from automation.github.pace import pause_before_update
from bot.app import LEFT_WITHIN
from bot.caps import Caps
from bot.disk import FULL, LEAST_FREE, MIB
from bot.github.budget import KEPT, SLOWEST
from bot.log import LogFormat
from bot.log_context import WORDS
from bot.otlp import CLOSED_WITHIN
from bot.retention import DAY, DELIVERIES_KEPT, REPLIES_KEPT, RUNS_KEPT
from bot.runs.driver import SWEPT_WITHIN
from bot.runs.failures import GIVE_UP_AFTER
from bot.set_up.credentials import DATABASE
from bot.settings import NAMES
from bot.store import postgresql
from bot.store.store import Store
from bot.telemetry import ENDPOINTS, PROTOCOL
from bot.trouble import UNREADY, Cause
from bot.watchdog.pending_checks import CONCLUDED, READS, READS_OF_HEADS
from tests.bot.store.rows import a_run
from tests.postgresql import TABLES, PostgreSQL, program

SHORT_RUN = 16
"""Requests of a run that is over before its check run is edited; see `tests/stories/bot/test_commands.py`."""
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


def commands_for_sqlite() -> list[str]:
    """The back-up of a SQLite file, and the steps of its restoration, as the bot's user types them.

    What is done by systemd or by Docker is left out.
    """
    lines = [
        line.replace("/opt/automation-bot/bin/python", sys.executable)
        for line in commands("SQLite")
        if line.startswith(("(umask 077; /opt", "rm ", "install "))
    ]
    assert len(lines) == 3
    return lines


def test_every_cause_is_in_the_table_with_its_severity() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", section("Ready or not"), re.MULTILINE))
    assert rows == {cause: "error" if cause in UNREADY else "warning" for cause in Cause}


def test_every_word_of_the_log_is_named() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", section("The log"), re.MULTILINE)
    assert tuple(rows) == ("delivery", "run", "repository") == WORDS
    for form in LogFormat:
        assert f"`BOT_LOG_FORMAT={form}`" in section("The log")


def edits(seconds: float) -> int:
    """How often the check run of a run of that length is edited at the most."""
    at, count = 0.0, 0
    while (at := at + pause_before_update(at)) <= seconds:
        count += 1
    return count


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
        ("A PostgreSQL", f"opens at most {postgresql.POOL + 2}"),
        ("How large", f"{Caps.runs} have places for {3 * Caps.runs} runs"),
        ("Alerts", f"tries for {GIVE_UP_AFTER / DAY:g} days"),
        ("GitHub's limits", f"up to {SLOWEST:g} times less"),
        *(("GitHub's limits", f"| {100 * KEPT[lane]:g} % |") for lane in Lane if lane is not Lane.END),
        (
            "GitHub's limits",
            f"of half an hour takes up to {SHORT_RUN + edits(30 * 60)}, one of an hour up to",
        ),
        ("GitHub's limits", f"an hour up to {SHORT_RUN + edits(60 * 60)}."),
        ("The watchdog", f"{READS} a minute at the most"),
        ("The watchdog", f"{READS} reads at start, then {READS_OF_HEADS} a minute"),
        ("The watchdog", f"no more than {CONCLUDED} a minute"),
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


COPY = "copy-2026-11-30"
"""The copy that is restored, where the day is one."""


def typed(lines: list[str], directory: Path, **variables: str) -> str:
    """What a shell says to these lines, one after the other; nothing on its standard error."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)} | variables
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def test_a_sqlite_files_back_up_restores_what_was_there(tmp_path: Path) -> None:
    back_up, *restore = commands_for_sqlite()
    file, kept, later = tmp_path / DATABASE, a_run(), a_run()
    async with Store.open(f"sqlite:///{file}") as store:
        assert await store.runs.add(kept)
        # While it is in use.
        typed([back_up], tmp_path)
        assert await store.runs.add(later)
    [copy] = tmp_path.glob("copy-*.sqlite3")
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.rename(tmp_path / f"{COPY}.sqlite3")
    typed(restore, tmp_path)
    async with Store.open(f"sqlite:///{file}") as store:
        assert await store.runs.get(kept.id) == kept
        assert await store.runs.get(later.id) is None


@pytest.fixture
def role(postgres: PostgreSQL) -> Iterator[str]:
    """The bot's user, as the section says that it is made; its database is there, too."""
    [block] = re.findall(r"^```sql\n(.*?)^```$", section("A PostgreSQL"), re.MULTILINE | re.DOTALL)
    for statement in block.splitlines():
        postgres.ask(statement)
    name = "automation_bot"
    yield name
    for database in (name, f"{name}_2"):
        postgres.ask(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    postgres.ask(f"DROP ROLE {name}")


async def test_a_postgresqls_back_up_restores_what_was_there(
    postgres: PostgreSQL, role: str, tmp_path: Path
) -> None:
    back_up, *restore = commands("PostgreSQL")
    kept, later = a_run(), a_run()
    pg_dump = program("pg_dump")
    assert pg_dump is not None
    admin = postgres.url("postgres")
    url, new = (
        admin.replace("//postgres@", f"//{role}@").replace("/postgres", f"/{name}")
        for name in (role, f"{role}_2")
    )
    kubectl = tmp_path / "bin/kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text('#!/bin/sh\necho kubectl "$1"\n')
    kubectl.chmod(0o755)
    variables = {
        "PATH": os.pathsep.join([str(kubectl.parent), str(pg_dump.parent), os.environ["PATH"]]),
        "BOT_DATABASE_URL": url,
        "NEW_DATABASE_URL": new,
        "ADMIN_DATABASE_URL": admin,
    }
    async with Store.open(url) as store:
        assert await store.runs.add(kept)
        # While it is in use.
        typed([back_up], tmp_path, **variables)
        assert await store.runs.add(later)
    # As a newer version might have left it.
    postgres.ask("CREATE TABLE of_a_newer_version ()", database=role)
    [copy] = tmp_path.glob("copy-*.dump")
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.rename(tmp_path / f"{COPY}.dump")
    said = typed(restore, tmp_path, **variables)
    assert said.split("\n")[:-1] == ["kubectl scale", "kubectl apply", "kubectl scale"]
    tables = {name for (name,) in postgres.ask(TABLES, database=f"{role}_2")}
    assert tables
    assert "of_a_newer_version" not in tables
    async with Store.open(new) as store:
        assert await store.runs.get(kept.id) == kept
        assert await store.runs.get(later.id) is None
        assert await store.runs.add(later)

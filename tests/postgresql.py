"""A real PostgreSQL: a cluster of its own in a temporary directory, with a database for whoever asks.

Source: https://www.postgresql.org/docs/current/app-pg-ctl.html
"""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil
import psycopg

from tests.server_process import free_port

HOW_TO_GET_IT = "needs PostgreSQL: `.ci/postgresql`"
OWNER = "postgres"
"""PostgreSQL refuses to run as root, whose place this user takes."""
READY_WITHIN = 60
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
SETTINGS = {
    # Whatever dies here is a process, never the machine.
    "fsync": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
}


def program(name: str) -> Path | None:
    """One of PostgreSQL's programs; Debian keeps all but clients off PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda each: each.parts[-3])
    found = shutil.which(name)
    return installed[-1] if installed else Path(found) if found else None


@dataclass
class PostgreSQL:
    """One cluster.

    Attributes:
        home: its directory.
    """

    home: Path
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None
    _numbers: Iterator[int] = field(default_factory=count)
    _used: list[str] = field(default_factory=list)

    def initialise(self) -> None:
        self._call(
            "initdb", "--auth=trust", f"--username={OWNER}", "--no-sync", "--encoding=UTF8", "--locale=C"
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [*self._command("postgres"), "-p", str(self.port), "-k", str(self.home), *settings]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.home,
                user=_user(),
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with psycopg.connect(self.url("postgres"), connect_timeout=2):
                    return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise AssertionError(f"PostgreSQL did not start: {(self.home / 'log').read_text()[-2000:]}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: by INT in order, with all connections cut; by QUIT at once, without a word."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(READY_WITHIN)
            self._process = None

    def cut(self, database: str) -> None:
        """Cut all connections to a database."""
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", database)

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new, empty database for as long as the context lasts; its URL."""
        name = self._create()
        try:
            yield self.url(name)
        finally:
            self.ask(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def emptied(self) -> Iterator[str]:
        """A database that may have been used before: its tables are empty, and stay. Making one takes a second."""
        name = self._used.pop() if self._used else self._create()
        yield self.url(name)
        tables = self.ask(TABLES, database=name)
        names = ", ".join(str(table) for (table,) in tables)
        if names:
            self.ask(f"TRUNCATE {names} RESTART IDENTITY CASCADE", database=name)
        self._used.append(name)

    def _create(self) -> str:
        name = f"bot_{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def ask(self, statement: str, *values: object, database: str = "postgres") -> list[tuple[object, ...]]:
        """What one statement gives."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _command(self, name: str) -> list[str]:
        found = program(name)
        assert found is not None, HOW_TO_GET_IT
        return [str(found), "-D", str(self.home / "data")]

    def _call(self, name: str, *words: str) -> None:
        command = [*self._command(name), *words]
        subprocess.run(command, check=True, capture_output=True, cwd=self.home, user=_user(), timeout=120)


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """A cluster for as long as the context lasts."""
    # Not below pytest's directory, which is its user's alone.
    home = Path(tempfile.mkdtemp(prefix="automation-postgresql-"))
    cluster = PostgreSQL(home)
    try:
        if user := _user():
            shutil.chown(home, user)
        cluster.initialise()
        cluster.start()
        yield cluster
    finally:
        cluster.stop(signal.SIGQUIT)
        shutil.rmtree(home, ignore_errors=True)


def _user() -> str | None:
    return OWNER if psutil.Process().uids().effective == 0 else None

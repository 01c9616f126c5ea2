"""What `automation run` does: one automation, on a real agent-server, to its verdict."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from automation.assembly import Wish, assemble
from automation.backends import Backend, BackendName
from automation.backends.agent_server import PersistentServer
from automation.backends.cloud import CloudSandbox
from automation.backends.embedded import EmbeddedServer
from automation.catalogue import Automation, find_automation
from automation.cli.backend_choice import choose_backend
from automation.cli.display import Display
from automation.cli.options import pairs, secrets_from_environment, settings
from automation.cli.sandbox_files import SandboxFiles
from automation.connection import connect_to
from automation.errors import Misconfigured
from automation.exit_codes import Exit, exit_code
from automation.external_id import ExternalId, Face
from automation.outcome import Outcome
from automation.packing.repository import Repository
from automation.report import write_report
from automation.room import own_directory
from automation.run.commands import run_key
from automation.run.conduct import Conductor
from automation.run.progress import Phase
from automation.run.stop_request import StopRequest
from automation.settings import Settings

MARGIN = 3600.0
"""Seconds for what comes before and after a run; a sandbox of a run that is older than that is nobody's any more."""


def run_job(
    *,
    automation: str,
    agent_server_url: str | None,
    cloud_api_url: str | None,
    backend: str | None,
    directory: Path,
    automations_path: str | None,
    report: Path | None,
    as_json: bool,
    quiet: bool,
    keep: bool,
    patience: float,
    **wishes: Any,
) -> int:
    """Do what the options of `automation run` say; returns the exit code."""
    display = Display(sys.stderr if as_json else sys.stdout, quiet=quiet)
    repository = Repository.discover(directory)
    root = repository.root if repository else directory.resolve()
    found = find_automation(root, _at(automation, directory, root), automations_path)
    given = settings(agent_server_url, cloud_api_url)
    name, why = choose_backend(backend, given)
    wish = _wish(**wishes)
    if report is not None:
        _write(report, "")
    with ExitStack() as stack:
        stays = keep or bool(found.definition.keep_alive)
        chosen = _backend(
            name, given, wish, display, stack, keep=stays, timeout=found.definition.timeout_seconds
        )
        display.head(f"{found.definition.name} · {_where(chosen)}, {why} · run {wish.run_id}")
        workspace = stack.enter_context(own_directory("automation-run-"))
        if keep and name is BackendName.EMBEDDED:
            display.note(
                "--keep keeps nothing on a server that is started for this run: `automation server start` "
                "starts one that stays"
            )
        job = _Job(found, repository, wish, chosen, display, patience=patience, keep=keep)
        asyncio.run(job.run(workspace))
    outcome = job.outcome
    if outcome is not None and name is BackendName.EMBEDDED:
        outcome = replace(outcome, directory="")
    if outcome is None:
        if job.was_connected and isinstance(chosen, PersistentServer):
            display.note(f"cancelled; if it had been started, automation stop {wish.run_id} ends it")
        else:
            display.note("cancelled before it was started")
        return Exit.CANCELLED
    display.verdict(outcome.verdict, outcome)
    if as_json:
        click.echo(json.dumps(as_document(found.slug, outcome, job.sandbox_id), indent=2))
    if report is not None:
        _write(report, write_report(found.definition.name, outcome).as_markdown())
    return exit_code(outcome.verdict.reason)


@dataclass
class _Job:
    """One run of the command, from the files on disk to the outcome."""

    automation: Automation
    repository: Repository | None
    wish: Wish
    backend: Backend
    display: Display
    patience: float
    keep: bool
    outcome: Outcome | None = None
    sandbox_id: str | None = None
    was_connected: bool = False

    async def run(self, workspace: Path) -> None:
        """Leaves the outcome, or none if it was cancelled before there was one."""
        stop = StopRequest()
        conducting = asyncio.Event()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101

        def on_signal(number: signal.Signals) -> None:
            if conducting.is_set() and not stop.by:
                self.display.note(
                    f"{number.name}: stopping the run on the server; once more to not wait for it"
                )
                stop.ask(f"you ({number.name})")
            else:
                task.cancel()

        self.display.on_closed = lambda: stop.ask("the end of whoever read its output")
        with suppress(asyncio.CancelledError):
            _on_signals(on_signal)
            assembly = await asyncio.to_thread(
                assemble, self.automation, self.repository, self.wish, workspace
            )
            for note in assembly.notes:
                self.display.note(note)
            if isinstance(self.backend, CloudSandbox):
                self.display.enter(Phase.SANDBOX, self.backend.account.url)
            async with self.backend.connect() as connection:
                self.was_connected, self.sandbox_id = True, connection.sandbox_id
                if self.sandbox_id:
                    self.display.note(f"sandbox {self.sandbox_id}")
                conductor = Conductor(
                    connection,
                    assembly.order,
                    secrets=list(self.wish.secrets.values()),
                    patience=self.patience,
                    keep=self.keep,
                    progress=self.display,
                    stop=stop,
                )
                conducting.set()
                self.outcome = await conductor.conduct()
                conducting.clear()
                self.display.end()


def _on_signals(act: Callable[[signal.Signals], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means what it says
            loop.add_signal_handler(number, act, number)


def _at(name: str, directory: Path, root: Path) -> str:
    """A path as the person in `directory` means it; a name stays a name."""
    if "/" not in name and name not in {".", ".."}:
        return name
    path = (directory / name).resolve()
    return f"./{path.relative_to(root)}" if path.is_relative_to(root) else str(path)


def _wish(
    *,
    inputs: tuple[str, ...],
    environment: tuple[str, ...],
    secrets: tuple[str, ...],
    revision: str,
    base: str,
    timeout: float | None,
    output_limit: int,
    run_id: str | None,
    run_directory: str | None,
) -> Wish:
    return Wish(
        run_id=run_id or str(uuid4()),
        revision=revision,
        base=base,
        inputs=pairs(inputs, "--input"),
        environment=pairs(environment, "--env"),
        secrets=secrets_from_environment(secrets),
        timeout=timeout,
        output_limit=output_limit * 1024 * 1024,
        run_directory=run_directory,
    )


def _backend(
    name: BackendName,
    given: Settings,
    wish: Wish,
    display: Display,
    stack: ExitStack,
    *,
    keep: bool,
    timeout: float,
) -> Backend:
    match name:
        case BackendName.EMBEDDED:
            return EmbeddedServer(waiting=_Waiting(display))
        case BackendName.AGENT_SERVER:
            return PersistentServer(connect_to(given.agent_server_url, given.agent_server_api_key))
        case BackendName.CLOUD:
            account, files = given.cloud_account(), SandboxFiles.open()
            run = run_key(wish.run_id)
            deadline = int(time.time() + (wish.timeout or timeout) + MARGIN)
            ledger = stack.enter_context(files.of(str(run), account.url, deadline, keep=keep))
            owner = ExternalId(Face.CLI, files.instance, run, 1, ledger.memo.deadline)
            return CloudSandbox(
                account,
                str(owner),
                keep=keep,
                ledger=ledger,
                note=display.note,
                left_to="`automation sandboxes --reap` deletes it",
            )


class _Waiting:
    """Says now and then that the embedded server is still starting."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._next = 2.0

    def __call__(self, seconds: float) -> None:
        if seconds >= self._next:
            self._display.note(f"the agent-server is starting ({seconds:.0f} s; about 10 s are usual)")
            self._next *= 2.5


def _where(backend: Backend) -> str:
    match backend:
        case PersistentServer():
            return f"on the agent-server at {backend.connection.url}"
        case CloudSandbox():
            return f"in a sandbox of the Cloud at {backend.account.url}"
        case _:
            return "on an agent-server started for this run (embedded)"


def _write(report: Path, text: str) -> None:
    try:
        report.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"the report cannot be written to {report}: {error.strerror}") from None


def as_document(slug: str, outcome: Outcome, sandbox_id: str | None = None) -> dict[str, Any]:
    """The document of `--json`; its keys are stable."""
    verdict = outcome.verdict
    return {
        "run_id": outcome.run_id,
        "automation": slug,
        "conclusion": verdict.conclusion,
        "reason": verdict.reason,
        "sentence": verdict.sentence,
        "exit_code": verdict.exit_code,
        "seconds": round(outcome.seconds, 3),
        "output": outcome.output.text(),
        "output_bytes": outcome.output.total,
        "output_truncated": outcome.output.truncated,
        "summary": outcome.summary,
        "result": verdict.result.model_dump(mode="json") if verdict.result else None,
        "directory": outcome.directory or None,
        "sandbox_id": sandbox_id,
        "notes": list(outcome.notes),
    }

"""Whole workflows on this machine, run by act (https://github.com/nektos/act) on the host, as GitHub's runner would.

What act does not do as GitHub does is listed in CONTRIBUTING; it is the step's signals that are tested without it.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.fakes.github.server import FakeGitHub
from tests.workflow import REPOSITORY, ROOT, git

ACT = Path(sys.executable).with_name("act")
# How packages are reached from this machine; everything else of our environment stays out.
REACHES = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY")


def copy_action(target: Path) -> Path:
    """What a checkout of this repository holds, as a ref of it would."""
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


@dataclass(frozen=True)
class Line:
    """Something that act has said, and when."""

    at: float
    said: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.said.get("msg", ""))

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.said.get("stepID", ()))


@dataclass
class Workflow:
    """A workflow run that act has made."""

    code: int
    lines: list[Line]

    @property
    def printed(self) -> str:
        """What the steps have printed."""
        return "".join(line.text for line in self.lines if line.said.get("raw_output"))

    def commands(self, name: str) -> list[dict[str, Any]]:
        return [line.said for line in self.lines if line.said.get("command") == name]

    def outputs(self, step: str) -> dict[str, str]:
        return {
            said["name"]: said["arg"] for said in self.commands("set-output") if said.get("stepID") == [step]
        }

    def first(self, text: str, *steps: str) -> Line:
        """The first line with this text, of this step if one is named."""
        for line in self.lines:
            if text in line.text and (not steps or line.steps == steps):
                return line
        raise AssertionError(f"{text!r} was not said:\n" + "".join(line.text for line in self.lines)[-6000:])


@dataclass
class Act:
    """A runner: a machine with an empty home and an empty tool cache of its own.

    Attributes:
        directory: where the machine's home and caches are.
        action: a copy of this repository, what `org/automation-action@v1` means.
    """

    directory: Path
    action: Path
    github: FakeGitHub
    variables: Mapping[str, str] = field(default_factory=dict)

    async def run(
        self,
        workspace: Path,
        event_name: str,
        event: Mapping[str, Any],
        token: str,
        *,
        kill_at: str = "",
        within: float = 120,
    ) -> Workflow:
        """Run the workflows of a workspace that listen to this event.

        Args:
            kill_at: text of the Action's output at which its step is killed with KILL, as by a machine out of
                memory. (A cancelled act does not run the steps inside of an action that are always to run.)
        """
        file = self.directory / "event.json"
        file.write_text(json.dumps(dict(event)))
        for name in ("home", "cache"):
            (self.directory / name).mkdir(exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *self._command(event_name, file, token),
            cwd=workspace,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=2**24,
        )
        lines: list[Line] = []
        assert process.stdout is not None
        try:
            async with asyncio.timeout(within):
                while raw := await process.stdout.readline():
                    lines.append(Line(time.monotonic(), _said(raw)))
                    if kill_at and lines[-1].text.strip() == kill_at:
                        self._kill_step()
                return Workflow(await process.wait(), lines)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    def _kill_step(self) -> None:
        """KILL the Action's process on this machine, and nobody else."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = str(self.directory) in process.environ().get("AUTOMATION_ACTION_STATE", "")
                if ours and process.cmdline()[-2:] == ["action", "run"]:
                    process.kill()

    def _command(self, event_name: str, event: Path, token: str) -> list[str]:
        given = {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/graphql",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "4242",
            "GITHUB_RUN_ATTEMPT": "1",
        } | dict(self.variables)
        return [
            str(ACT),
            event_name,
            *("-P", "ubuntu-latest=-self-hosted"),
            *("-e", str(event)),
            "--no-cache-server",
            *("--artifact-server-addr", "127.0.0.1"),
            *("--action-cache-path", str(self.directory / "cache")),
            *("--local-repository", f"org/automation-action@v1={self.action}"),
            "--rm",
            "--json",
            *("-s", f"GITHUB_TOKEN={token}"),
            *(word for name, value in given.items() for word in ("--env", f"{name}={value}")),
        ]

    def _environment(self) -> dict[str, str]:
        packages = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
        ours = str(Path(sys.executable).parent)
        path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != ours)
        reaches = {name: os.environ[name] for name in REACHES if name in os.environ}
        return packages | reaches | {"PATH": path, "HOME": str(self.directory / "home")}


def _said(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except ValueError:
        return {"msg": raw.decode(errors="replace")}
    return said if isinstance(said, dict) else {"msg": str(said)}


def make_workspace(path: Path, workflow: str, automation: str) -> str:
    """A repository with a workflow and an automation `review`; its commit."""
    for name, text in {
        ".github/workflows/test.yml": workflow,
        ".openhands/automations/review/automation.yaml": "name: Review\nentrypoint: bash main.sh\ngithub: {secrets: [API_KEY]}\n",
        ".openhands/automations/review/main.sh": automation,
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    git(path, "init", "-q", "-b", "main")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "First")
    return git(path, "rev-parse", "HEAD")

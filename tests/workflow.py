"""The language that the Action's stories are told in: a job's step, run as GitHub's runner runs it.

The step's script is the one of action.yml, in bash with the runner's options, its inputs in the variables
that action.yml names; the repository is a real one, the agent-server is real, GitHub is the fake.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer

ROOT = Path(__file__).parents[1]
REPOSITORY = "octo/demo"
WORKFLOW_RUN = 4242
SHELL = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]


def git(directory: Path, *words: str) -> str:
    """Run git as nobody in particular."""
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    ran = subprocess.run(
        ["git", "-C", str(directory), *identity, *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout.strip()


@dataclass
class Checkout:
    """A repository with automations in it."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> "Checkout":
        path.mkdir(parents=True)
        git(path, "init", "-q", "-b", "main")
        checkout = cls(path)
        checkout.write("README.md", "# Demo\n")
        return checkout

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def automation(self, slug: str, main: str, **definition: Any) -> None:
        """An automation whose entrypoint is this `main.sh`."""
        document = {"name": slug, "entrypoint": "bash main.sh", "timeout": 60, "github": {}} | definition
        self.write(f".openhands/automations/{slug}/automation.yaml", yaml.safe_dump(document))
        self.write(f".openhands/automations/{slug}/main.sh", main)

    def commit(self, message: str = "Change") -> str:
        git(self.path, "add", "-A")
        git(self.path, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.path, "rev-parse", "HEAD")


def action_step(name: str) -> tuple[str, list[str]]:
    """A step's script in action.yml, and the inputs that it gets."""
    document = yaml.safe_load((ROOT / "action.yml").read_text())
    [step] = [step for step in document["runs"]["steps"] if step["id"] == name]
    found = [re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value) for value in step["env"].values()]
    return step["run"], [match[1] for match in found if match]


def defaults() -> dict[str, str]:
    document = yaml.safe_load((ROOT / "action.yml").read_text())
    return {
        name: given["default"]
        for name, given in document["inputs"].items()
        if given and "default" in given and "${{" not in given["default"]
    }


def read_outputs(text: str) -> dict[str, str]:
    """A GITHUB_OUTPUT file, read as the runner does."""
    outputs: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if "<<" in line:
            name, delimiter = line.split("<<", 1)
            value = []
            for each in lines:
                if each == delimiter:
                    break
                value.append(each)
            outputs[name] = "\n".join(value)
    return outputs


@dataclass
class Ended:
    """A step that is over."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str

    @property
    def verdict(self) -> tuple[str, str]:
        return self.outputs.get("conclusion", ""), self.outputs.get("reason", "")

    @property
    def errors(self) -> list[str]:
        """The annotations of the log that are errors."""
        return [line for line in self.log.splitlines() if line.startswith("::error")]


@dataclass
class RunningStep:
    """A step under way."""

    process: "subprocess.Popen[bytes]"
    log_file: Path
    job: "Job"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    async def says(self, text: str, within: float = 30) -> None:
        """Wait until the log has this in it."""
        deadline = time.monotonic() + within
        while text not in self.log:
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log[-4000:]}"
            assert self.process.poll() is None or text in self.log, f"the step ended:\n{self.log[-4000:]}"
            await asyncio.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """To the step's own shell, and nobody else, as the runner does."""
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()

    async def ends(self, within: float = 60) -> Ended:
        deadline = time.monotonic() + within
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"the step did not end in {within:g} s:\n{self.log[-4000:]}")
            await asyncio.sleep(0.02)
        return self.job.ended(self.process.wait(), self.log)


@dataclass
class Job:
    """A job of a workflow run, on a machine of its own."""

    directory: Path
    github: FakeGitHub
    checkout: Checkout
    event_name: str = "push"
    event: Mapping[str, Any] = field(default_factory=dict)
    sha: str = ""
    run_id: int = WORKFLOW_RUN
    attempt: int = 1
    server: RealServer | None = None
    token: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    @property
    def state(self) -> Path:
        return self.directory / "state" / "state.json"

    def start(self, step: str = "run", /, **inputs: str | int | bool) -> RunningStep:
        """Begin a step; inputs are given in Python's names."""
        self._count += 1
        for name in ("output", "summary"):
            (self.directory / name).write_text("")
        self.state.parent.mkdir(exist_ok=True, mode=0o700)
        (self.directory / "event.json").write_text(json.dumps(dict(self.event)))
        log = self.directory / f"log-{self._count}"
        script, _ = action_step(step)
        file = self.directory / f"{step}.sh"
        file.write_text(script)
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*SHELL, str(file)],
                env=self._environment(step, inputs),
                cwd=self.checkout.path,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return RunningStep(process, log, self)

    async def run(self, automation: str = "", within: float = 60, **inputs: str | int | bool) -> Ended:
        """One step from beginning to end."""
        return await self.start(automation=automation, **inputs).ends(within)

    async def settle(self, **inputs: str | int | bool) -> Ended:
        return await self.start("settle", **inputs).ends()

    def ended(self, code: int, log: str) -> Ended:
        outputs = read_outputs((self.directory / "output").read_text())
        return Ended(code, log, outputs, (self.directory / "summary").read_text())

    def _environment(self, step: str, inputs: Mapping[str, str | int | bool]) -> dict[str, str]:
        given = defaults() | {"github-token": self.token}
        if self.server is not None:
            given |= {"agent-server-url": self.server.url, "agent-server-api-key": self.server.key}
        given |= {name.replace("_", "-"): _written(value) for name, value in inputs.items()}
        _, names = action_step(step)
        assert set(given) <= set(names), f"action.yml has no input {set(given) - set(names)}"
        variables = {f"INPUT_{name.upper().replace('-', '_')}": given.get(name, "") for name in names}
        return variables | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "AUTOMATION_ACTION_PYTHON": sys.executable,
            "AUTOMATION_ACTION_SOURCE": str(ROOT / "src"),
            "AUTOMATION_ACTION_STATE": str(self.state),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(self.directory / "event.json"),
            "GITHUB_SHA": self.sha,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_RUN_ATTEMPT": str(self.attempt),
            "GITHUB_JOB": "automations",
            "GITHUB_WORKSPACE": str(self.checkout.path),
            "GITHUB_OUTPUT": str(self.directory / "output"),
            "GITHUB_STEP_SUMMARY": str(self.directory / "summary"),
            "RUNNER_TEMP": str(self.directory),
            **self.environment,
        }


def _written(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextlib.contextmanager
def ended_at_last(step: RunningStep) -> Any:
    """Whatever happens, the step does not outlive its story."""
    try:
        yield step
    finally:
        if step.process.poll() is None:
            step.process.kill()
            step.process.wait()

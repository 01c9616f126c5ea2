"""A directory with automations, and a shell to run `automation` in as a person would."""

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import RealServer

DEFINITION = """name: {name}
entrypoint: bash main.sh
timeout: {timeout}
github:
  repository: none
  secrets: [TOKEN]
  inputs: {{who: {{default: world}}}}
"""


class Desk:
    """A directory with automations and a shell to run `automation` in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temporary = root / "tmp"
        self.temporary.mkdir()
        self.started: list[subprocess.Popen[str]] = []

    def automation(self, main: str, *, name: str = "job", timeout: int = 120) -> None:
        directory = self.root / "automations" / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "automation.yaml").write_text(DEFINITION.format(name=name, timeout=timeout))
        (directory / "main.sh").write_text(main)

    def start(
        self,
        *words: str,
        server: RealServer | None = None,
        prefix: tuple[str, ...] = (),
        **environment: str,
    ) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AUTOMATION_")}
        if server is not None:
            clean["AUTOMATION_AGENT_SERVER_URL"] = server.url
            clean["AUTOMATION_AGENT_SERVER_API_KEY"] = server.key
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "automation", *words],
            cwd=self.root,
            env=clean | {"TMPDIR": str(self.temporary)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def call(self, *words: str, server: RealServer | None = None, **environment: str) -> tuple[int, str, str]:
        process = self.start(*words, server=server, prefix=(), **environment)
        out, err = process.communicate(timeout=200)
        return process.returncode, out, err

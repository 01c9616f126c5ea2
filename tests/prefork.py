"""Programs that are forked from a process which has imported what they need: each saves seconds of processor.

They are processes like any other, with an environment, a session, a directory and a log of their own, killed and
waited for alike. What a start really takes is measured elsewhere (`tests.bench`), and some stories start the programs
themselves: `tests/stories/bot/test_start.py` the bot, those of the embedded backend the agent-server.
"""

import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LARGEST = 1 << 18
"""Bytes of an order: mostly its environment."""
LOOKS_EVERY = 0.02
FORKED_WITHIN = 30.0
BOT = ("bot.app", "bot.cli", "alembic.command", "automation.report", "github")
"""What a bot imports."""
AGENT_SERVER = ("openhands.sdk", "openhands.tools", "fastapi")
"""What an agent-server imports, but for its own modules: they read the environment."""


@dataclass
class Forked:
    """A process of a nursery's, as `subprocess.Popen` would have it."""

    pid: int
    _ended: threading.Event = field(default_factory=threading.Event)
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("a forked program", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        # Its number is not given away before it has been waited for, which is told right after.
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class Nursery:
    """The process that they are forked from, until it is closed.

    Args:
        imports: modules.
        more: variables of its own environment, which those modules may read.
    """

    def __init__(self, imports: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._turn = threading.Lock()
        self._answers: list[int] = []
        self._forked: dict[int, Forked] = {}
        self._news = threading.Condition()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.prefork", str(theirs.fileno()), *imports],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **(more or {})},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True, name="nursery")
        self._reader.start()

    def begin(self, words: Sequence[str], environment: Mapping[str, str], home: Path, log: Path) -> Forked:
        """`python -m` these words."""
        order = json.dumps({"words": list(words), "environment": dict(environment), "home": str(home)})
        with self._turn, log.open("ab") as file, self._news:
            socket.send_fds(self._socket, [order.encode()], [file.fileno()])
            assert self._news.wait_for(lambda: self._answers, FORKED_WITHIN), "the nursery does not fork"
            return self._forked[self._answers.pop()]

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._process.wait(FORKED_WITHIN)
        self._reader.join(FORKED_WITHIN)
        self._socket.close()

    def _read(self) -> None:
        while message := self._socket.recv(LARGEST):
            pid, code = json.loads(message)
            with self._news:
                if code is None:
                    self._forked[pid] = Forked(pid)
                    self._answers.append(pid)
                    self._news.notify_all()
                else:
                    self._forked.pop(pid).end(code)


def nurse(orders: socket.socket, imports: Sequence[str]) -> None:
    """Fork what is ordered and tell what has ended, until nobody orders any more."""
    for name in imports:
        __import__(name)
    gc.freeze()
    while True:
        ready, _, _ = select.select([orders], [], [], LOOKS_EVERY)
        if ready:
            message, files, _, _ = socket.recv_fds(orders, LARGEST, 1)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                _become(orders, json.loads(message), files[0])
            os.close(files[0])
            orders.send(json.dumps([pid, None]).encode())
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                orders.send(json.dumps([ended[0], os.waitstatus_to_exitcode(ended[1])]).encode())


def _become(orders: socket.socket, order: dict[str, Any], log: int) -> None:
    """What was ordered; does not return."""
    orders.close()
    os.setsid()
    os.chdir(order["home"])
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    sys.argv = words = order["words"]
    code = 1
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    nurse(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])

"""The guard of an embedded agent-server: a process that outlives its parent by as long as it takes to clean up.

It reads its plan from the first line of standard input, starts the server, and waits until standard input
ends (its parent is done, or dead, even by KILL) or the server does. Then it ends the server, every process
that carries the server's environment or descends from it (commands live in sessions of their own and survive
their server), and removes the server's directory.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

TERM_GRACE = 5.0
REMOVE_TRIES = 20
MARK = "OH_BASH_EVENTS_DIR"
PR_SET_CHILD_SUBREAPER = 36  # prctl(2), Linux: orphans of the server become children of the guard


def main() -> int:
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    plan = json.loads(line)
    wake = _wake_on_signals()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    home = Path(plan["home"])
    for directory in (home, home / "home", home / "tmp"):
        directory.mkdir(mode=0o700)
    with (home / "server.log").open("ab") as log:
        server = subprocess.Popen(  # noqa: S603  # the plan comes from our parent
            plan["command"],
            env=plan["environment"],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    is_last = False
    while not is_last and server.poll() is None:
        ready, _, _ = select.select([sys.stdin, wake], [], [])
        is_last = sys.stdin in ready or _asked_to_end(wake)
    failed = server.poll() is not None
    _end(server, plan["environment"])
    if failed:
        # The parent looks for this, and reads the log before it closes our standard input.
        Path(plan["ended"]).touch()
        sys.stdin.read()
    _remove(home, plan["environment"])
    return int(failed)


def _wake_on_signals() -> int:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return reader


def _asked_to_end(wake: int) -> bool:
    return signal.SIGTERM in os.read(wake, 64)


def _end(server: "subprocess.Popen[bytes]", environment: dict[str, Any]) -> None:
    deadline = time.monotonic() + TERM_GRACE
    server.terminate()
    try:
        server.wait(TERM_GRACE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    how = "terminate"
    while remaining := _remaining(environment[MARK]):
        for process in remaining:
            try:
                getattr(process, how)()
            except psutil.Error:
                continue
        psutil.wait_procs(remaining, timeout=0.5)
        if time.monotonic() > deadline:
            how = "kill"
        if time.monotonic() > deadline + TERM_GRACE:
            return


def _remove(home: Path, environment: dict[str, Any]) -> None:
    """Remove the directory; what was being started while the rest was ended may still write into it."""
    for _ in range(REMOVE_TRIES):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
        for process in _remaining(environment[MARK]):
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.1)


def _remaining(mark: str) -> list[psutil.Process]:
    """Descendants of this process and everything that inherited the server's environment."""
    found = {process.pid: process for process in psutil.Process().children(recursive=True)}
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found[process.pid] = process
        except psutil.Error:
            continue
    return [process for process in found.values() if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


if __name__ == "__main__":
    sys.exit(main())

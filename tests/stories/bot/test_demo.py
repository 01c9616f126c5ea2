"""`make demo`: from nothing to a success check and a page that a browser shows, and nothing left of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.bot_process import ROOT
from tests.demo.stage import OPERATOR_TOKEN
from tests.teller import eventually

HAPPENS = ["eyes", "in progress", "success, 'Hello, world!'", "The bot comments", "rocket", "The run's page"]
STARTED_WITHIN = 90.0

type Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """The demo as a process, all of whose processes and files are known by their temporary directory."""
    started: list[subprocess.Popen[bytes]] = []
    (tmp_path / "tmp").mkdir()

    def run(*options: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / "told").open("wb") as told:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.demo", *options],
                cwd=ROOT,
                env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.wait(30)


def told(directory: Path) -> str:
    return (directory / "told").read_text()


def left(directory: Path) -> list[object]:
    """Files and processes of the demo that are still there."""
    found: list[object] = [path.name for path in (directory / "tmp").iterdir()]
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("TMPDIR", "").startswith(str(directory))
        except psutil.Error:
            continue
        if is_ours and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.cmdline())
    return found


def test_make_starts_it() -> None:
    # Under another make, it would speak of directories.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    shown = subprocess.run(
        ["make", "--dry-run", "demo"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert shown.stdout.splitlines()[-1] == ".venv/bin/python -m tests.demo"


async def test_it_ends_with_a_success_and_a_page_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    demo = start()
    await eventually(lambda: "Ctrl-C" in told(tmp_path) or demo.poll() is not None, STARTED_WITHIN)
    shown = told(tmp_path)
    places = [shown.find(words) for words in HAPPENS]
    assert -1 not in places, shown
    assert places == sorted(places), shown
    [page] = re.findall(r"The run's page: +(\S+)", shown)
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(page)
        assert answer.status_code == 200
        assert "Hello, world!" in answer.text
        assert "working, step 3 of 3" in answer.text
        table = await http.get(
            page.partition("/runs/")[0] + "/runs", headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"}
        )
        assert "Hello" in table.text
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 0
    assert left(tmp_path) == []
    assert "Traceback" not in told(tmp_path)


@pytest.mark.parametrize("words", ["are started", "agent-server at", "comments on pull request"])
async def test_ended_at_any_moment_it_leaves_nothing(start: Start, tmp_path: Path, words: str) -> None:
    demo = start("--once")
    await eventually(lambda: words in told(tmp_path), STARTED_WITHIN)
    time.sleep(0.5)
    demo.send_signal(signal.SIGTERM)
    # Another one, from somebody who cannot wait, does not interrupt the tidying up.
    time.sleep(0.02)
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(30) == 0
    await eventually(lambda: left(tmp_path) == [], 5)
    assert "Traceback" not in told(tmp_path)

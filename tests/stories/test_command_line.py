"""The command line as a person uses it: real processes, real signals, real agent-servers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.desk import Desk
from tests.server_process import free_port
from tests.servers import RealServer
from tests.teller import eventually

NOWHERE = "http://127.0.0.1:9"


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read standard output until a line has this in it."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came: {process.stderr.read() if process.stderr else ''}")


@pytest.mark.parametrize(
    ("main", "code", "word"),
    [
        ("echo fine", 0, "success"),
        ("exit 3", 1, "exit-code"),
        ("echo '{' > $AUTOMATION_RESULT", 1, "no-result"),
        ("kill -9 $PPID", 3, "run-lost"),
    ],
)
async def test_exit_codes_follow_the_verdict(
    desk: Desk, server: RealServer, main: str, code: int, word: str
) -> None:
    desk.automation(main)
    returned, _, err = desk.call("run", "job", server=server)
    assert returned == code, err
    assert word in err
    assert "Traceback" not in err


async def test_output_goes_to_standard_output_and_the_rest_to_standard_error(
    desk: Desk, server: RealServer
) -> None:
    desk.automation('echo "hello $AUTOMATION_INPUT_WHO"')
    code, out, err = desk.call("run", "job", "--input", "who=you", server=server)
    assert (code, out) == (0, "hello you\n")
    for phase in ("connect", "prepare", "upload", "start", "run", "collect", "release"):
        assert f"  {phase}" in err
    assert "\x1b" not in err


async def test_json_is_one_document_on_standard_output(desk: Desk, server: RealServer) -> None:
    desk.automation('echo live; echo \'{"outputs": {"n": 1}}\' > $AUTOMATION_RESULT')
    code, out, err = desk.call("run", "job", "--json", server=server)
    document = json.loads(out)
    assert code == 0
    assert document["conclusion"] == "success"
    assert document["result"]["outputs"] == {"n": 1}
    assert document["output"] == "live\n"
    assert "live" in err


async def test_a_secret_is_taken_from_the_environment_and_masked(desk: Desk, server: RealServer) -> None:
    desk.automation('echo "token: $TOKEN"; echo "${OTHER:-no other}"')
    code, out, err = desk.call(
        "run",
        "job",
        "--secret",
        "TOKEN",
        "--secret",
        "OTHER",
        server=server,
        TOKEN="hush-hush-1",
        OTHER="not-listed-2",
    )
    assert (code, out) == (0, "token: ***\nno other\n")
    assert "does not list them" in err
    assert "hush-hush-1" not in err


@pytest.mark.parametrize("where", ["| head -1", "> /dev/full"])
async def test_a_run_whose_output_nobody_takes_is_stopped(desk: Desk, server: RealServer, where: str) -> None:
    desk.automation("for n in $(seq 100); do echo line $n; sleep 0.1; done; sleep 327")
    environment = os.environ | {
        "AUTOMATION_AGENT_SERVER_URL": server.url,
        "AUTOMATION_AGENT_SERVER_API_KEY": server.key,
    }
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m automation run job {where}"],
        check=False,
        cwd=desk.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert not server.processes("main.sh")


async def test_closed_standard_streams_are_no_trouble(desk: Desk, server: RealServer) -> None:
    desk.automation("echo fine; printf '\\xff\\xfe no newline'")
    environment = os.environ | {
        "AUTOMATION_AGENT_SERVER_URL": server.url,
        "AUTOMATION_AGENT_SERVER_API_KEY": server.key,
        "PYTHONIOENCODING": "ascii",
    }
    for redirection in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m automation run job {redirection}"],
            check=False,
            cwd=desk.root,
            env=environment,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, (redirection, done.stderr)
        assert b"Traceback" not in done.stderr
    assert done.stdout == b"fine\n\xff\xfe no newline\n"


async def test_a_hang_up_does_not_end_what_nohup_protects(desk: Desk, server: RealServer) -> None:
    desk.automation("echo up; sleep 1; echo done")
    process = desk.start("run", "job", server=server, prefix=("nohup",))
    wait_for(process, "up")
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "done\n")


async def test_credentials_in_an_address_are_not_shown(desk: Desk) -> None:
    desk.automation("true")
    for address in ("http://user:hunter2@127.0.0.1:1", "http://127.0.0.1:1/?key=hunter2"):
        code, out, err = desk.call("run", "job", "--agent-server-url", address)
        assert code == 2
        assert "hunter2" not in out + err


async def test_a_report_that_cannot_be_written_is_told_before_the_run(desk: Desk, server: RealServer) -> None:
    desk.automation(f"touch {desk.root}/ran")
    code, _, err = desk.call("run", "job", "--report", "/proc/nowhere/report.md", server=server)
    assert code == 2
    assert "cannot be written" in err
    assert not (desk.root / "ran").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_the_run_on_the_server(
    desk: Desk, server: RealServer, number: signal.Signals
) -> None:
    desk.automation("trap '' TERM; sleep 320 & echo up; while :; do sleep 0.1; done")
    process = desk.start("run", "job", server=server)
    wait_for(process, "up")
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - began < 8
    assert "stopped by you" in err
    assert not server.processes("sleep 320")
    assert not server.processes("main.sh")


async def test_wrong_key_and_wrong_address_are_one_sentence(desk: Desk, server: RealServer) -> None:
    desk.automation("true")
    code, _, err = desk.call("run", "job", server=server, AUTOMATION_AGENT_SERVER_API_KEY="a-wrong-key")
    assert code == 2
    assert "refuses the key" in err
    assert "a-wrong-key" not in err
    code, _, err = desk.call("run", "job", "--patience", "1", "--agent-server-url", "http://127.0.0.1:1")
    assert code == 3
    assert "does not answer" in err
    assert "Traceback" not in err


async def test_verify_and_stop_work_from_another_process(desk: Desk, server: RealServer) -> None:
    desk.automation("echo up; sleep 321")
    process = desk.start("run", "job", "--run-id", "from-the-desk", "--keep", server=server)
    wait_for(process, "up")
    assert desk.call("verify", "from-the-desk", server=server)[0] == 4
    code, out, _ = desk.call("stop", "from-the-desk", server=server)
    assert (code, out) == (0, "stopped: nothing of it runs on the server\n")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    code, out, _ = desk.call("verify", "from-the-desk", "--json", server=server)
    assert code == 130
    assert json.loads(out)["reason"] == "cancelled"
    assert desk.call("verify", "nobody-knows-this", server=server)[0] == 2


async def test_a_stop_of_a_run_that_somebody_follows_says_so(desk: Desk, server: RealServer) -> None:
    """Whoever follows it removes it as soon as it has ended, which is while the stop waits."""
    desk.automation("echo up; sleep 349")
    process = desk.start("run", "job", "--run-id", "followed", server=server)
    wait_for(process, "up")
    code, out, err = desk.call("stop", "followed", server=server)
    assert (code, out) == (0, "stopped: nothing of it runs on the server\n"), err
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert desk.call("stop", "followed", server=server)[0] == 2


async def test_keep_says_that_it_keeps_nothing_on_a_server_of_its_own(desk: Desk) -> None:
    desk.automation("echo up")
    code, out, err = desk.call("run", "job", "--keep", "--json")
    assert code == 0, err
    assert "--keep keeps nothing on a server that is started for this run" in err
    assert json.loads(out)["directory"] is None


async def test_a_run_whose_client_was_killed_is_verified_later(desk: Desk, server: RealServer) -> None:
    desk.automation("echo up; sleep 1; exit 8")
    process = desk.start("run", "job", "--run-id", "orphan", server=server)
    wait_for(process, "up")
    process.kill()
    process.wait()

    def has_ended() -> bool:
        return desk.call("verify", "orphan", server=server)[0] == 1

    await eventually(has_ended, within=20)
    _, out, _ = desk.call("verify", "orphan", "--remove", "--json", server=server)
    assert json.loads(out)["exit_code"] == 8
    assert desk.call("verify", "orphan", server=server)[0] == 2


# A process is charged with the peak of the one that it was forked from, so a small one stands in between.
MEASURE = """import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1), file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.timeout(120)
async def test_100_mb_of_output_pass_in_bounded_memory(desk: Desk, server: RealServer) -> None:
    desk.automation("head -c 100000000 /dev/zero | tr '\\0' x | fold -w 99; echo the end")
    given = {
        "AUTOMATION_AGENT_SERVER_URL": server.url,
        "AUTOMATION_AGENT_SERVER_API_KEY": server.key,
        "TOKEN": "something-secret",
    }
    words = [sys.executable, "-m", "automation", "run", "job", "--secret", "TOKEN", "--quiet"]
    with (desk.root / "out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *words],
            check=False,
            cwd=desk.root,
            env=os.environ | given,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert (desk.root / "out").stat().st_size > 101_000_000
    assert (desk.root / "out").read_bytes().endswith(b"the end\n")
    assert int(done.stderr.split()[-1]) < 150 * 1024, "KiB of memory"


async def test_server_status_says_what_is_right_and_what_is_wrong(desk: Desk, server: RealServer) -> None:
    code, out, _ = desk.call("server", "status", server.url, server=server)
    assert code == 0
    assert "healthy" in out
    assert "version     1." in out
    code, out, _ = desk.call("server", "status", server.url)
    assert code == 2
    assert "without a key" in out
    code, out, _ = desk.call("server", "status", "http://127.0.0.1:1")
    assert code == 3
    assert "does not answer" in out


def marked(temporary: Path) -> list[psutil.Process]:
    """Processes of an embedded server whose directories are under `temporary`."""
    found = []
    for process in psutil.process_iter():
        try:
            events = process.environ().get("OH_BASH_EVENTS_DIR", "")
            if events.startswith(str(temporary)) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


embedded = pytest.mark.xdist_group("embedded")


@embedded
@pytest.mark.timeout(120)
async def test_embedded_runs_and_leaves_nothing(desk: Desk) -> None:
    desk.automation('echo "${MY_SECRET:-nothing of ours}"; echo "home: $HOME"; sleep 322 & true')
    code, out, err = desk.call("run", "job", MY_SECRET="ours")
    assert code == 0, err
    assert out.startswith("nothing of ours\n")
    assert str(desk.temporary) in out
    assert "embedded" in err
    assert marked(desk.temporary) == []
    assert list(desk.temporary.iterdir()) == []


def interrupt_when_running(process: subprocess.Popen[str], number: signal.Signals) -> None:
    wait_for(process, "up")
    process.send_signal(number)


def interrupt_after(seconds: float) -> Callable[[subprocess.Popen[str], signal.Signals], None]:
    def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> None:
        time.sleep(seconds)
        process.send_signal(number)

    return interrupt


@embedded
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("interrupt", "number"),
    [
        pytest.param(interrupt_after(0.5), signal.SIGINT, id="early-SIGINT"),
        pytest.param(interrupt_after(0.5), signal.SIGKILL, id="early-SIGKILL"),
        pytest.param(interrupt_after(2.5), signal.SIGTERM, id="starting-SIGTERM"),
        pytest.param(interrupt_after(2.5), signal.SIGKILL, id="starting-SIGKILL"),
        pytest.param(interrupt_when_running, signal.SIGINT, id="running-SIGINT"),
        pytest.param(interrupt_when_running, signal.SIGTERM, id="running-SIGTERM"),
        pytest.param(interrupt_when_running, signal.SIGKILL, id="running-SIGKILL"),
    ],
)
async def test_embedded_interrupted_at_any_moment_leaves_nothing(
    desk: Desk,
    interrupt: Callable[[subprocess.Popen[str], signal.Signals], None],
    number: signal.Signals,
) -> None:
    desk.automation("sleep 323 & echo up; sleep 324")
    process = desk.start("run", "job")
    interrupt(process, number)
    process.communicate(timeout=40)
    assert process.returncode in {130, -number}
    await eventually(lambda: marked(desk.temporary) == [], within=20)
    await eventually(lambda: not list(desk.temporary.glob("automation-embedded-*")), within=20)
    if number is not signal.SIGKILL:
        assert list(desk.temporary.iterdir()) == []


@embedded
@pytest.mark.timeout(120)
async def test_server_start_gives_a_server_to_point_at(desk: Desk) -> None:
    port = free_port()
    process = desk.start("server", "start", "--port", str(port), "--json")
    assert process.stdout is not None
    given = json.loads(process.stdout.readline())
    assert given["url"] == f"http://127.0.0.1:{port}"
    desk.automation("echo here")
    code, out, err = desk.call(
        "run",
        "job",
        AUTOMATION_AGENT_SERVER_URL=given["url"],
        AUTOMATION_AGENT_SERVER_API_KEY=given["session_key"],
    )
    assert (code, out) == (0, "here\n"), err
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 0
    assert marked(desk.temporary) == []
    assert list(desk.temporary.iterdir()) == []


@pytest.mark.parametrize("blocks", [0, 8])
def test_no_room_for_temporary_files_is_one_sentence(desk: Desk, blocks: int) -> None:
    """With none at all there is no place for them; with a little, what is packed does not fit."""
    desk.automation("echo hello")
    (desk.root / "automations/job/large").write_bytes(os.urandom(64 * 1024))
    limited = ("sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh")
    process = desk.start("run", "job", prefix=limited, AUTOMATION_AGENT_SERVER_URL=NOWHERE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "error: nothing can be written to " in err
    assert "Traceback" not in err

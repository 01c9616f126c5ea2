"""The runner, for real: bash runs it on the files that a run lays out, and its end is told the truth about."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from automation.observation import Cause, Observation, Presence, Process, Record, Status
from automation.reasons import Reason
from automation.run.commands import RUNNER, parse_look
from automation.run.environment import environment_file
from automation.verdict import judge

BASH = shutil.which("bash") or "bash"
LINUX = Path("/proc/self").exists()
BOOT = Path("/proc/sys/kernel/random/boot_id")
PATIENCE = 8.0
ODD = 'a"],"exit_code":0,"b'


class Run:
    """A run's directory and the processes that a test starts in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None

    def lay_out(
        self,
        script: str,
        *,
        setup: str | None = None,
        files: Mapping[str, bytes] | None = None,
        variables: Mapping[str, str] | None = None,
        entrypoint: str = "bash main.sh",
    ) -> "Run":
        bundle = {"main.sh": script.encode(), **(files or {})}
        if setup is not None:
            bundle["setup.sh"] = setup.encode()
        environment = {
            "AUTOMATION_RESULT": f"{self.directory}/result.json",
            "AUTOMATION_SUMMARY": f"{self.directory}/summary.md",
            "RUN": str(self.directory),
        }
        self.write("bundle.tar.gz", tar_gz(bundle))
        self.write("environment", environment_file({**environment, **(variables or {})}))
        self.write("entrypoint", entrypoint.encode())
        return self

    def write(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)

    def read(self, name: str) -> str:
        return (self.directory / name).read_text()

    def start(
        self,
        *,
        timeout: float = 20,
        grace: float = 1,
        limit: int = 10**6,
        outputs: str = "",
        umask: str = "0022",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start the runner as the start command does: the claim first, then exec."""
        claim = (
            r"read -r s < /proc/$$/stat; set -- ${s##*) }; t=${20}; read -r b < /proc/sys/kernel/random/boot_id;"
            if LINUX
            else "t=$(ps -o lstart= -p $$ | tr -s ' ' _); b=$(sysctl -n kern.bootsessionuuid);"
        )
        words = f"run {umask} {round(timeout * 10)} {round(grace * 10)} {limit} {outputs}"
        script = f'{claim} echo "start $$ $t $b 1700000000 {"a" * 32}" > claim; exec "$BASH" -c "$0" runner.sh {words}'
        # Tests that are started by nohup hand on that it is ignored, and no shell can change that.
        inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.process = subprocess.Popen(
            [BASH, "-c", script, RUNNER],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        signal.signal(signal.SIGHUP, inherited)
        return self.process

    def wait(self) -> Record:
        """What an agent-server would have recorded of the runner."""
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        code = self.process.wait(PATIENCE)  # standard input is left open: nothing may wait for its end
        return Record(code, self.process.stdout.read(), self.process.stderr.read())

    def run(self, **options: Any) -> Record:
        self.start(**options)
        return self.wait()

    def status(self) -> Status:
        return Status.model_validate_json(self.read("status.json"))

    def inline(self, *words: str) -> dict[str, str]:
        """The answer of the runner's other commands, as they are sent: without the run's own copy."""
        answer = subprocess.run(
            [BASH, "-c", RUNNER, "runner.sh", *words],
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        parse_look(answer.stdout)
        return dict(line.split("=", 1) for line in answer.stdout.splitlines())

    def await_file(self, name: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while not self._is_whole(name):
            assert time.monotonic() < deadline, f"{name} never came"
            time.sleep(0.01)
        return "" if name == "cause" else self.read(name).strip()

    def _is_whole(self, name: str) -> bool:
        path = self.directory / name
        return path.is_symlink() or (path.exists() and self.read(name).endswith("\n"))

    def processes(self) -> list[int]:
        """All living processes with this run's environment, whatever group they are in."""
        marker = f"AUTOMATION_RESULT={self.directory}/result.json".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if marker in (entry / "environ").read_bytes() and lives(int(entry.name)):
                    found.append(int(entry.name))
        return found

    def clean_up(self) -> None:
        """End what carries this run's own mark; numbers in its files may be forged."""
        if self.process is not None:
            self.process.kill()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                assert pipe is not None
                pipe.close()
            self.process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    directory = tmp_path / str(uuid4())
    directory.mkdir(mode=0o700)
    run = Run(directory)
    yield run
    run.clean_up()


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 2
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not lives(pid)


def facts(answer: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in answer.items())


class TestAnEndOfItsOwn:
    @pytest.mark.parametrize("code", [0, 1, 42, 75, 126, 255])
    def test_exit_codes(self, run: Run, code: int) -> None:
        record = run.lay_out(f"echo working; exit {code}").run()
        status = run.status()
        assert (status.cause, status.exit_code, status.phase) == (Cause.EXITED, code, "entrypoint")
        assert record.exit_code == code
        assert record.line == run.read("status.json")
        assert record.confirms(run.read("status.json"), status)
        assert record.stderr == ""
        assert (status.version, status.run) == (1, run.directory.name)
        assert status.output == len("working\n")
        assert run.read("output.log") == "working\n"

    def test_times_are_of_this_machine(self, run: Run) -> None:
        before = int(time.time())
        run.lay_out("sleep 0.4").run()
        status = run.status()
        assert before <= status.started <= status.ended <= time.time() + 1
        assert 400 <= status.milliseconds <= 5000

    @pytest.mark.parametrize(("name", "number"), [("KILL", 9), ("SEGV", 11), ("TERM", 15)])
    def test_signals(self, run: Run, name: str, number: int) -> None:
        record = run.lay_out(f"kill -{name} $$").run()
        assert (run.status().cause, run.status().exit_code) == (Cause.EXITED, 128 + number)
        assert record.exit_code == 128 + number

    def test_stdout_and_stderr_come_in_their_order(self, run: Run) -> None:
        record = run.lay_out("echo a; echo b >&2; echo c").run()
        assert run.read("output.log") == "a\nb\nc\n"
        assert record.stderr == ""

    def test_what_it_leaves_is_said(self, run: Run) -> None:
        run.lay_out('echo {} > "$AUTOMATION_RESULT"').run()
        status = run.status()
        assert (status.result, status.summary, status.log) == (Presence.FILE, Presence.NONE, Presence.FILE)

    def test_an_empty_file_is_there(self, run: Run) -> None:
        run.lay_out(': > "$AUTOMATION_RESULT"; : > "$AUTOMATION_SUMMARY"').run()
        status = run.status()
        assert (status.result, status.summary) == (Presence.FILE, Presence.FILE)

    def test_declared_outputs_are_noted_as_words(self, run: Run) -> None:
        run.lay_out("true").run(outputs=f"report dry-run '{ODD}'")
        assert run.status().outputs == ("report", "dry-run", re.sub("[^A-Za-z0-9_-]", "?", ODD))

    @pytest.mark.parametrize("make", ["mkdir", "mkfifo"])
    def test_a_directory_or_a_pipe_is_no_result(self, run: Run, make: str) -> None:
        run.lay_out(f'{make} "$AUTOMATION_RESULT" "$AUTOMATION_SUMMARY"').run()
        status = run.status()
        assert (status.result, status.summary) == (Presence.OTHER, Presence.OTHER)

    def test_the_bundle_is_unpacked_and_removed(self, run: Run) -> None:
        run.lay_out("pwd; ls; cat lib/data", files={"lib/data": b"42\n"}).run()
        assert run.read("output.log") == f"{run.directory}/work\nlib\nmain.sh\n42\n"
        assert not (run.directory / "bundle.tar.gz").exists()

    def test_the_files_of_the_repository(self, run: Run) -> None:
        run.write("repository.tar.gz", tar_gz({"src/a": b"a\n"}))
        run.lay_out('cat "$RUN/repository/src/a"').run()
        assert run.read("output.log") == "a\n"

    @pytest.mark.parametrize(
        "entrypoint",
        ["bash main.sh\n", "bash 'main.sh'", "FOO=1 bash main.sh && exit 0", "true | bash main.sh"],
    )
    def test_the_entrypoint_is_a_command_line_of_bash(self, run: Run, entrypoint: str) -> None:
        assert run.lay_out("echo here", entrypoint=entrypoint).run().exit_code == 0
        assert run.read("output.log") == "here\n"

    def test_a_missing_program(self, run: Run) -> None:
        assert run.lay_out("", entrypoint="no-such-program-here").run().exit_code == 127
        assert "no-such-program-here" in run.read("output.log")
        assert run.status().phase == "entrypoint"


class TestBeforeTheEntrypoint:
    def test_a_broken_bundle(self, run: Run) -> None:
        run.lay_out("touch ../ran")
        run.write("bundle.tar.gz", b"\x1f\x8bnonsense")
        record = run.run()
        status = run.status()
        assert (status.cause, status.exit_code, status.phase) == (
            Cause.UNPACK_FAILED,
            record.exit_code,
            "unpack",
        )
        assert record.exit_code > 0
        assert record.confirms(run.read("status.json"), status)
        assert status.log is Presence.FILE
        assert run.read("runner.log")
        assert not (run.directory / "ran").exists()
        assert not (run.directory / "environment").exists()

    def test_setup_runs_first_in_the_same_environment(self, run: Run) -> None:
        run.lay_out("cat made", setup='echo "$GREETING" > made', variables={"GREETING": "hello"}).run()
        assert run.read("output.log") == "hello\n"
        assert run.status().phase == "entrypoint"

    def test_setup_that_fails(self, run: Run) -> None:
        record = run.lay_out("echo never", setup="echo cannot; exit 7").run()
        status = run.status()
        assert (status.cause, status.exit_code, status.phase) == (Cause.EXITED, 7, "set-up")
        assert record.exit_code == 7
        assert run.read("output.log") == "cannot\n"

    def test_secrets_are_off_the_disk_before_anything_of_the_automation_runs(self, run: Run) -> None:
        look = '[ ! -e "$RUN/environment" ] && echo "gone, $SECRET"\n'
        run.lay_out(look, setup=look, variables={"SECRET": "hunter2"}).run()
        assert run.read("output.log") == "gone, hunter2\n" * 2
        rest = [path for path in run.directory.rglob("*") if path.is_file() and path.name != "output.log"]
        assert rest
        assert not [path for path in rest if "hunter2" in path.read_text()]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HOME", "/nonexistent"),
            ("LC_ALL", "C.UTF-8"),
            ("cause", "bogus"),
            ("group", "1"),
            ("status", "x"),
        ],
    )
    def test_variables_do_not_disturb_the_runner(self, run: Run, name: str, value: str) -> None:
        run.lay_out(f'echo "${name}"', variables={name: value}).run()
        assert run.read("output.log") == f"{value}\n"
        assert run.status().cause is Cause.EXITED

    @pytest.mark.parametrize("name", ["directory", "entrypoint"])
    def test_variables_with_names_of_the_runners_own(self, run: Run, name: str) -> None:
        run.lay_out(f'echo "${name}"', variables={name: "echo mine"}).run()
        assert run.read("output.log") == "echo mine\n"
        assert run.status().phase == "entrypoint"
        assert not (run.directory / "environment").exists()

    def test_standard_input_is_at_its_end(self, run: Run) -> None:
        assert run.lay_out("if read -r line; then exit 1; fi", setup="cat").run().exit_code == 0

    def test_the_automation_leads_a_group_of_its_own(self, run: Run) -> None:
        run.lay_out('echo $$; cut -d" " -f5 /proc/$$/stat; cat "$RUN/group"').run()
        pid, group, recorded = run.read("output.log").splitlines()
        assert pid == group == recorded.split()[0]


class TestTheDeadline:
    def test_ends_what_ignores_term(self, run: Run) -> None:
        record = run.lay_out('trap "" TERM; echo $$; while :; do sleep 0.1; done').run(timeout=0.5, grace=1)
        status = run.status()
        assert (status.cause, status.exit_code) == (Cause.TIMED_OUT, 137)
        assert record.exit_code == 137
        assert 1400 <= status.milliseconds <= 4000
        assert ends(int(run.read("output.log")))

    def test_lets_it_say_goodbye(self, run: Run) -> None:
        run.lay_out('trap "echo bye; exit 5" TERM; while :; do sleep 0.1; done').run(timeout=0.3, grace=2)
        status = run.status()
        assert (status.cause, status.exit_code) == (Cause.TIMED_OUT, 5)
        assert status.milliseconds < 2000
        assert run.read("output.log").endswith("bye\n")

    def test_stands_though_it_exits_with_0(self, run: Run) -> None:
        record = run.lay_out('trap "exit 0" TERM; while :; do sleep 0.1; done').run(timeout=0.3)
        assert (run.status().cause, run.status().exit_code) == (Cause.TIMED_OUT, 0)
        assert record.exit_code == 0

    def test_is_for_setup_too(self, run: Run) -> None:
        run.lay_out("echo never", setup="sleep 30").run(timeout=0.3)
        assert (run.status().cause, run.status().phase) == (Cause.TIMED_OUT, "set-up")
        assert run.read("output.log") == ""

    def test_reaches_what_was_stopped(self, run: Run) -> None:
        run.lay_out('trap "echo bye; exit 4" TERM; kill -STOP $$; sleep 30').run(timeout=0.3)
        assert (run.status().cause, run.status().exit_code) == (Cause.TIMED_OUT, 4)
        assert run.read("output.log").endswith("bye\n")

    def test_takes_a_grace_of_less_than_a_second(self, run: Run) -> None:
        run.lay_out('trap "" TERM; sleep 3').run(timeout=0.3, grace=0.5)
        assert run.status().cause is Cause.TIMED_OUT
        assert run.status().milliseconds < 2500


class TestTheOutputLimit:
    def test_ends_a_flood(self, run: Run) -> None:
        run.lay_out("while :; do echo 0123456789012345678901234567890123456789; done").run(limit=20_000)
        status = run.status()
        assert status.cause is Cause.OUTPUT_LIMIT
        assert status.exit_code != 0
        assert status.output > 20_000
        assert status.output == (run.directory / "output.log").stat().st_size

    def test_is_for_a_burst_that_ends_at_once(self, run: Run) -> None:
        record = run.lay_out("printf %02000d 0").run(limit=1000)
        status = run.status()
        assert (status.cause, status.exit_code, status.output) == (Cause.OUTPUT_LIMIT, 0, 2000)
        assert record.confirms(run.read("status.json"), status)
        assert judge(Observation(run.read("status.json"), record)).reason is Reason.OUTPUT_LIMIT

    def test_counts_what_was_written_under_a_name_that_is_gone(self, run: Run) -> None:
        run.lay_out('rm "$RUN/output.log"; printf %02000d 0; sleep 30').run(limit=1000)
        assert (run.status().cause, run.status().output) == (Cause.OUTPUT_LIMIT, 2000)

    def test_says_so_when_it_cannot_count(self) -> None:
        read = "printf %02000d 0 > output.log; exec 3< output.log; chmod 0 output.log; output_size"
        with tempfile.TemporaryDirectory() as directory:
            nobody: list[str] = []
            if os.getuid() == 0:  # root may read anything
                os.chown(directory, 65534, 65534)
                nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
            answer = subprocess.run(
                [
                    *nobody,
                    BASH,
                    "-c",
                    RUNNER.replace('\n"$@"', f"\n{read}"),
                ],
                cwd=directory,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        assert (answer.stdout, answer.returncode) == ("", 1)

    def test_is_not_reached_by_exactly_as_much(self, run: Run) -> None:
        run.lay_out("printf %01000d 0; sleep 0.6").run(limit=1000)
        assert (run.status().cause, run.status().output) == (Cause.EXITED, 1000)


class TestWhatIsLeft:
    def test_background_children_are_ended(self, run: Run) -> None:
        record = run.lay_out("sleep 30 & echo $!; exit 0").run()
        status = run.status()
        assert (status.cause, status.exit_code, status.left) == (Cause.EXITED, 0, True)
        assert record.exit_code == 0
        assert status.escaped == ()
        assert ends(int(run.read("output.log")))

    def test_also_those_that_ignore_term(self, run: Run) -> None:
        run.lay_out("(trap '' TERM; exec sleep 30) & echo $!; sleep 0.1").run()
        assert run.status().left
        assert ends(int(run.read("output.log")))

    def test_none_is_left_by_a_tidy_run(self, run: Run) -> None:
        run.lay_out("sleep 0.05 & wait").run()
        assert not run.status().left
        assert run.read("runner.log") == ""

    @pytest.mark.skipif(not LINUX or not shutil.which("setsid"), reason="needs /proc and setsid")
    def test_an_escaped_child_is_named_and_not_ended(self, run: Run) -> None:
        record = run.lay_out('setsid sleep 30 < /dev/null > "$RUN/out" 2>&1 &\nsleep 0.2').run()
        status = run.status()
        (escaped,) = status.escaped
        assert (status.cause, status.left, escaped.name) == (Cause.EXITED, False, "sleep")
        assert lives(escaped.pid)
        assert str(escaped.pid) in run.read("runner.log")
        assert record.confirms(run.read("status.json"), status)
        assert judge(Observation(run.read("status.json"), record)).is_success

    @pytest.mark.skipif(not LINUX or not shutil.which("setsid"), reason="needs /proc and setsid")
    def test_an_escaped_child_is_ended_with_a_run_that_was_ended(self, run: Run) -> None:
        run.lay_out('setsid sleep 30 < /dev/null > "$RUN/out" 2>&1 &\nsleep 30').run(timeout=0.4)
        assert (run.status().cause, run.status().escaped) == (Cause.TIMED_OUT, ())
        assert run.processes() == []

    @pytest.mark.skipif(not LINUX or not shutil.which("setsid"), reason="needs /proc and setsid")
    def test_a_hostile_process_name_stays_a_string(self, run: Run) -> None:
        script = (
            'cp "$(command -v sleep)" \'a"},{"b\'; setsid ./\'a"},{"b\' 30 <&- >"$RUN/out" 2>&1 &\nsleep 0.3'
        )
        run.lay_out(script).run()
        (escaped,) = run.status().escaped
        assert escaped.name == "a?????b"

    def test_a_child_that_holds_the_output_delays_nothing(self, run: Run) -> None:
        began = time.monotonic()
        run.lay_out("sleep 30 & exit 3").run()
        assert time.monotonic() - began < 3
        assert run.status().exit_code == 3


class TestForgery:
    @pytest.mark.parametrize(
        "forge",
        [
            'echo \'{"cause":"exited","exit_code":0}\' > "$RUN/status.json"; chmod 400 "$RUN/status.json"',
            'mkdir -p "$RUN/status.json/a"; touch "$RUN/status.json/a/b"',
            'ln -s /etc/hostname "$RUN/status.json"',
            'mkfifo "$RUN/status.json"',
        ],
        ids=["a file", "a directory", "a link", "a pipe"],
    )
    def test_a_status_is_overwritten(self, run: Run, forge: str) -> None:
        record = run.lay_out(f"{forge}; exit 9").run()
        assert (run.directory / "status.json").is_file()
        assert not (run.directory / "status.json").is_symlink()
        assert run.status().exit_code == record.exit_code == 9
        assert record.line == run.read("status.json")

    @pytest.mark.parametrize("forge", ["mkdir", "mkfifo"])
    def test_so_is_what_it_is_written_to_first(self, run: Run, forge: str) -> None:
        run.lay_out(f'{forge} "$RUN/status.new"; exit 9').start()
        time.sleep(0.8)
        assert run.process is not None
        assert run.process.poll() == 9
        assert run.status().exit_code == 9

    def test_a_forged_cause_never_makes_a_failure_better(self, run: Run) -> None:
        run.lay_out('echo exited > "$RUN/cause"; sleep 30').run(timeout=0.3)
        assert (run.status().cause, run.status().exit_code) == (Cause.TERMINATED, 143)

    def test_a_cause_that_there_is_not_is_no_status(self, run: Run) -> None:
        run.lay_out('echo \'x","exit_code":0,"y":"\' > "$RUN/cause"; exit 3').run()
        document = json.loads(run.read("status.json"))
        assert document["exit_code"] == 3
        assert re.fullmatch("[a-z-]*", document["cause"])

    def test_a_forged_phase_stays_a_word(self, run: Run) -> None:
        run.lay_out('echo \'x","exit_code":0,"y":"\' > "$RUN/phase"; exit 3').run()
        assert run.status().exit_code == 3

    def test_replacing_the_runner_changes_nothing(self, run: Run) -> None:
        run.write("runner.sh", RUNNER.encode())
        run.lay_out('echo "exit 0" > "$RUN/runner.sh"; exit 4')
        assert run.run().exit_code == 4


class TestAnEndFromOutside:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_a_signal_to_the_runner_ends_the_run(self, run: Run, number: signal.Signals) -> None:
        run.lay_out('echo $$ > "$RUN/pid"; while :; do sleep 0.1; done')
        runner = run.start()
        pid = int(run.await_file("pid"))
        runner.send_signal(number)
        record = run.wait()
        status = run.status()
        assert status.cause is Cause.TERMINATED
        assert status.exit_code == record.exit_code
        assert status.exit_code in {137, 143}
        assert record.confirms(run.read("status.json"), status)
        assert ends(pid)

    def test_stop_while_it_runs(self, run: Run) -> None:
        run.lay_out('trap "echo bye; exit 0" TERM; echo $$ > "$RUN/pid"; while :; do sleep 0.1; done')
        run.start()
        pid = int(run.await_file("pid"))
        assert run.inline("probe") | {"date": ""} == {
            "claim": "start",
            "token": "a" * 32,
            "directory": str(run.directory),
            "date": "",
            "since": "1700000000",
            "runner": "alive",
            "processes": str(len(run.processes())),
        }
        left = run.inline("stop", "cancelled", "20")
        assert (left["runner"], left["processes"]) == ("gone", "0")
        record = run.wait()
        assert (run.status().cause, run.status().exit_code) == (Cause.CANCELLED, 0)
        assert record.confirms(run.read("status.json"), run.status())
        assert run.read("output.log").endswith("bye\n")
        assert ends(pid)

    def test_stop_ends_what_ignores_term_and_what_escaped(self, run: Run) -> None:
        escape = 'setsid sleep 30 < /dev/null > "$RUN/out" 2>&1 &' if shutil.which("setsid") else ""
        run.lay_out(f'trap "" TERM\n{escape}\necho $$ > "$RUN/pid"; while :; do sleep 0.1; done')
        run.start()
        run.await_file("pid")
        left = run.inline("stop", "superseded", "0")
        run.wait()
        assert left["processes"] == "0"
        assert run.status().cause is Cause.SUPERSEDED
        assert run.processes() == []

    def test_the_first_cause_counts(self, run: Run) -> None:
        run.lay_out('trap "" TERM; echo $$ > "$RUN/pid"; while :; do sleep 0.1; done')
        run.start(timeout=0.3, grace=1)
        run.await_file("cause")
        run.inline("stop", "cancelled", "0")
        run.wait()
        assert run.status().cause is Cause.TIMED_OUT

    def test_stop_after_the_end_changes_nothing(self, run: Run) -> None:
        run.lay_out("exit 3").run()
        before = {path: path.read_bytes() for path in run.directory.iterdir() if path.is_file()}
        left = run.inline("stop", "cancelled", "10")
        assert left["runner"] == "gone"
        assert {path: path.read_bytes() for path in run.directory.iterdir() if path.is_file()} == before

    def test_what_a_killed_runner_left_is_swept(self, run: Run) -> None:
        run.lay_out('trap "" TERM; echo $$ > "$RUN/pid"; while :; do sleep 0.1; done')
        runner = run.start()
        pid = int(run.await_file("pid"))
        runner.kill()
        assert run.wait().exit_code == -9
        assert lives(pid)
        assert run.inline("probe")["runner"] == "gone"
        left = run.inline("sweep", "abandoned", "0")
        assert (left["claim"], left["runner"], left["processes"]) == ("start", "gone", "0")
        assert ends(pid)
        assert (run.directory / "cause").readlink() == Path("abandoned")
        assert not (run.directory / "status.json").exists()
        assert not (run.directory / "environment").exists()

    @pytest.mark.skipif(not LINUX, reason="the claim is rewritten with Linux' boot id")
    @pytest.mark.parametrize(
        ("was", "is_now"),
        [("boot", "00000000-0000-0000-0000-000000000000"), ("started", "1")],
    )
    def test_a_process_of_another_time_is_left_alone(self, run: Run, was: str, is_now: str) -> None:
        stranger = subprocess.Popen(["sleep", "30"], start_new_session=True)
        try:
            started = Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(") ")[2].split()[19]
            facts = {"boot": BOOT.read_text().strip(), "started": started} | {was: is_now}
            pid = stranger.pid
            run.write("claim", f"start {pid} {facts['started']} {facts['boot']} 1 {'a' * 32}\n".encode())
            run.write("group", f"{pid} {facts['started']}\n".encode())
            left = run.inline("stop", "cancelled", "0")
            assert left["runner"] == "gone"
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    @pytest.mark.parametrize("group", ["1 1", "0 1", "-1 1", "x 1", ""])
    def test_no_forged_group_is_taken_for_ours(self, run: Run, group: str) -> None:
        run.write("claim", f"start 1 1 {BOOT.read_text().strip() if LINUX else 'x'} 1 {'a' * 32}\n".encode())
        run.write("group", f"{group}\n".encode())
        decision = RUNNER.replace(
            '\n"$@"', "\nread_claim; if group_is_ours; then echo ours; else echo none; fi"
        )
        assert decision.endswith("echo none; fi\n")
        answer = subprocess.run(
            [BASH, "-c", decision, "runner.sh"],
            cwd=run.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert answer.stdout == "none\n"


class TestAStopThatComesFirst:
    def test_takes_the_claim(self, run: Run) -> None:
        left = run.inline("stop", "cancelled", "0")
        assert left["claim"] == "stop"
        assert parse_look("\n".join(f"{k}={v}" for k, v in left.items())).process == "never-started"
        assert (run.directory / "cause").readlink() == Path("cancelled")

    def test_while_it_is_unpacked_nothing_of_it_runs(self, run: Run) -> None:
        run.lay_out("touch ../ran")
        (run.directory / "cause").symlink_to("cancelled")
        record = run.run()
        assert (run.status().cause, run.status().exit_code) == (Cause.CANCELLED, record.exit_code)
        assert record.exit_code > 0
        assert not (run.directory / "ran").exists()

    def test_a_sweep_leaves_the_claim_to_a_start(self, run: Run) -> None:
        assert run.inline("sweep", "abandoned", "0")["claim"] == "none"
        assert not (run.directory / "claim").exists()

    def test_of_many_stops_at_once_each_knows_that_it_never_starts(self, run: Run) -> None:
        stops = [
            subprocess.Popen(
                [BASH, "-c", RUNNER, "runner.sh", "stop", "cancelled", "0"],
                cwd=run.directory,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(12)
        ]
        answers = [process.communicate(timeout=PATIENCE)[0] for process in stops]
        assert [parse_look(answer).process for answer in answers] == [Process.NEVER_STARTED] * 12
        assert run.read("claim") == "stop\n"


class TestUnpacking:
    @pytest.fixture
    def slowly(self, run: Run, tmp_path: Path) -> dict[str, str]:
        """An environment in which unpacking takes for ever."""
        tools = tmp_path / "tools"
        tools.mkdir()
        tar = tools / "tar"
        tar.write_text(f'#!/bin/sh\necho $$ > "{run.directory}/unpacking"\nexec sleep 30\n')
        tar.chmod(0o755)
        return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    def test_is_ended_by_a_stop(self, run: Run, slowly: dict[str, str]) -> None:
        run.lay_out("touch ../ran").start(environment=slowly)
        pid = int(run.await_file("unpacking"))
        left = run.inline("stop", "cancelled", "10")
        record = run.wait()
        status = run.status()
        assert (status.cause, status.phase) == (Cause.CANCELLED, "unpack")
        assert (left["runner"], left["processes"]) == ("gone", "0")
        assert record.confirms(run.read("status.json"), status)
        assert ends(pid)
        assert not (run.directory / "ran").exists()
        assert not (run.directory / "environment").exists()

    def test_is_under_the_deadline(self, run: Run, slowly: dict[str, str]) -> None:
        run.lay_out("touch ../ran").run(timeout=0.3, environment=slowly)
        assert (run.status().cause, run.status().phase) == (Cause.TIMED_OUT, "unpack")
        assert ends(int(run.read("unpacking")))
        assert not (run.directory / "ran").exists()


class TestWhatTheServerHas:
    @pytest.mark.parametrize("umask", ["0022", "0002", "077", "0"])
    def test_its_umask_is_for_all_of_the_automation(self, run: Run, umask: str) -> None:
        run.lay_out("umask; : > made", setup="umask").run(umask=umask)
        assert [int(line, 8) for line in run.read("output.log").split()] == [int(umask, 8)] * 2
        assert (run.directory / "work" / "made").stat().st_mode & 0o777 == 0o666 & ~int(umask, 8)

    def test_its_umask_is_not_for_the_runs_own_files(self, run: Run) -> None:
        run.lay_out("true").run(umask="0")
        for name in ("status.json", "output.log", "runner.log", "group"):
            assert (run.directory / name).stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("locale", [None, "", "C.UTF-8", "POSIX"])
    def test_its_locale(self, run: Run, locale: str | None) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "LC_ALL"}
        environment |= {"LANG": "C.UTF-8"} | ({} if locale is None else {"LC_ALL": locale})
        look = 'env | grep -E "^(LC_ALL|LANG)=" | sort\n'
        run.lay_out(look, setup=look).run(environment=environment)
        expected = "LANG=C.UTF-8\n" + ("" if locale is None else f"LC_ALL={locale}\n")
        assert run.read("output.log") == expected * 2

    def test_the_automations_own_locale_counts_more(self, run: Run) -> None:
        run.lay_out('echo "$LC_ALL"', variables={"LC_ALL": "C.UTF-8"}).run(
            environment={**os.environ, "LC_ALL": "POSIX"}
        )
        assert run.read("output.log") == "C.UTF-8\n"


# Of the runner, which is the parent of the leader: its watchers' children, but no watcher itself.
KILL_SLEEPS = """killed=0
runner=$(cut -d" " -f4 /proc/$$/stat)
for round in 1 2 3 4 5; do
  for watcher in $(pgrep -P "$runner"); do
    [ "$watcher" = $$ ] || ! pkill -x -P "$watcher" sleep || killed=$((killed + 1))
  done
  echo $killed > "$RUN/killed"
  sleep 0.05
done
"""
STUBBORN = "trap 'exit 0' TERM; while :; do sleep 0.1; done"


class TestInTheRunnersWay:
    @pytest.mark.parametrize(
        "name", ["cause", "cause-timed-out", "phase", "output.log", "runner.log", "group"]
    )
    @pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
    def test_nothing_saves_a_run_from_its_deadline(self, run: Run, name: str, make: str) -> None:
        run.lay_out(f'rm -f "$RUN/{name}"; {make} "$RUN/{name}"; {STUBBORN}').run(timeout=0.4)
        status = run.status()
        assert status.cause is (Cause.TERMINATED if name == "cause" else Cause.TIMED_OUT)
        assert status.milliseconds < 3000
        assert not judge(Observation(run.read("status.json"), run=run.directory.name)).is_success
        assert run.processes() == []

    @pytest.mark.parametrize("name", ["cause", "phase", "output.log", "runner.log", "group", "claim"])
    def test_a_pipe_does_not_hang_an_end_of_its_own(self, run: Run, name: str) -> None:
        began = time.monotonic()
        record = run.lay_out(f'rm -f "$RUN/{name}"; mkfifo "$RUN/{name}"; exit 3').run()
        assert time.monotonic() - began < 2
        assert run.status().exit_code == record.exit_code == 3
        assert record.confirms(run.read("status.json"), run.status())

    @pytest.mark.parametrize("name", ["cause", "group", "claim"])
    def test_a_pipe_does_not_hang_a_probe_or_a_stop(self, run: Run, name: str) -> None:
        run.lay_out(f'rm -f "$RUN/{name}"; mkfifo "$RUN/{name}"; echo $$ > "$RUN/pid"; {STUBBORN}').start()
        pid = int(run.await_file("pid"))
        assert run.inline("probe")["claim"] == "start"
        left = run.inline("stop", "cancelled", "10")
        run.wait()
        assert left["processes"] == "0"
        assert ends(pid)

    def test_a_cause_that_leads_nowhere_saves_nobody(self, run: Run) -> None:
        run.lay_out(f'ln -s nowhere "$RUN/cause"; {STUBBORN}').run(timeout=0.4)
        assert not judge(Observation(run.read("status.json"))).is_success

    def test_a_cause_of_its_own_saves_nobody(self, run: Run) -> None:
        run.lay_out(f'echo exited > "$RUN/cause"; {STUBBORN}').run(timeout=0.4)
        assert not judge(Observation(run.read("status.json"))).is_success

    def test_a_result_that_leads_nowhere_is_something(self, run: Run) -> None:
        run.lay_out('ln -s nowhere "$AUTOMATION_RESULT"').run()
        assert run.status().result is Presence.OTHER

    def test_a_pipe_made_in_the_last_moment_does_not_hold_the_deadline(
        self, run: Run, tmp_path: Path
    ) -> None:
        tools = tmp_path / "tools"
        tools.mkdir()
        remove = tools / "rm"
        race = 'case $* in *cause-timed-out*) for last; do :; done; mkfifo "$last" ;; esac'
        remove.write_text(f'#!/bin/sh\n{shutil.which("rm")} "$@"\n{race}\n')
        remove.chmod(0o755)
        environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        run.lay_out("trap 'exit 0' TERM; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; done")
        run.run(timeout=0.4, environment=environment)
        assert run.status().cause is Cause.TIMED_OUT
        assert run.status().milliseconds < 1800

    @pytest.mark.skipif(not LINUX or not shutil.which("pkill"), reason="needs /proc and pkill")
    def test_killing_the_watchers_sleep_ends_nothing_early(self, run: Run) -> None:
        run.lay_out(f"{KILL_SLEEPS}sleep 0.3; exit 3").run(timeout=10)
        status = run.status()
        assert (status.cause, status.exit_code) == (Cause.EXITED, 3)
        assert int(run.read("killed")) > 0

    @pytest.mark.skipif(not LINUX or not shutil.which("pkill"), reason="needs /proc and pkill")
    def test_killing_the_watchers_sleep_does_not_lift_the_deadline(self, run: Run) -> None:
        run.lay_out(f"{KILL_SLEEPS}{STUBBORN}").run(timeout=1.2)
        assert run.status().cause is Cause.TIMED_OUT
        assert 1100 <= run.status().milliseconds <= 2900
        assert int(run.read("killed")) > 0

    @pytest.mark.skipif(not LINUX or not shutil.which("pkill"), reason="needs /proc and pkill")
    def test_killing_the_watchers_sleep_does_not_lift_the_cap(self, run: Run) -> None:
        run.lay_out(f"{KILL_SLEEPS}printf %02000d 0; {STUBBORN}").run(limit=1000)
        assert run.status().cause is Cause.OUTPUT_LIMIT
        assert run.status().output >= 2000
        assert int(run.read("killed")) > 0

    def test_removing_the_claim_does_not_hide_a_run_from_a_stop(self, run: Run) -> None:
        run.lay_out(f'rm "$RUN/claim"; echo $$ > "$RUN/pid"; {STUBBORN}').start()
        pid = int(run.await_file("pid"))
        assert parse_look(facts(run.inline("probe"))).process is not Process.NEVER_STARTED
        left = run.inline("stop", "cancelled", "10")
        run.wait()
        assert (left["claim"], left["processes"]) == ("start", "0")
        assert run.status().cause is Cause.CANCELLED
        assert ends(pid)

    def test_nor_does_removing_the_group_with_it(self, run: Run) -> None:
        run.lay_out(f'rm "$RUN/claim" "$RUN/group"; echo $$ > "$RUN/pid"; {STUBBORN}').start()
        pid = int(run.await_file("pid"))
        left = run.inline("stop", "cancelled", "10")
        assert parse_look(facts(left)).process is not Process.NEVER_STARTED
        assert ends(pid)

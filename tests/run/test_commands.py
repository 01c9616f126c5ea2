"""The shell commands of a run, for real in every shell that is here, and how their answers read."""

import io
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from automation.errors import Misconfigured, ServerUnavailable
from automation.observation import Cause, Process
from automation.packing.bundle import write_bundle
from automation.run.commands import (
    ALREADY_CLAIMED,
    RUNNER,
    Look,
    Place,
    claimed_token,
    parse_look,
    parse_place,
    prepare_command,
    probe_command,
    release_command,
    run_key,
    sdk_version_file,
    start_command,
    stop_command,
    sweep_command,
)
from automation.run.environment import environment_file
from automation.run.payload import write_payload

KEY = UUID("6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a11")
FIRST, SECOND = "1" * 32, "2" * 32
DAY = 24 * 3600
SHELLS = [name for name in ("sh", "dash", "bash", "busybox") if shutil.which(name)]
PREPARED = "directory=/base/run\ndate=1700000000\nfree=2048\nbash=5.2.15(1)-release\ntar=yes\n"
PROBED = (
    f"claim=start\ntoken={FIRST}\nsince=1700000000\ndate=1700000009\ndirectory=/base/run\n"
    "runner=alive\nprocesses=3\n"
)

shells = pytest.mark.parametrize("shell", SHELLS)


def execute(
    shell: str, command: str, workspace: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as the server does: by its own shell, wherever that happens to stand."""
    assert "\0" not in command
    assert len(command.encode()) < 128 * 1024
    variables = {"PATH": os.environ["PATH"], "HOME": str(workspace), "OH_WORKSPACE_PATH": str(workspace)}
    return subprocess.run(
        [shell, *(["sh"] if shell == "busybox" else []), "-c", command],
        env=variables | dict(environment or {}),
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )


def prepare(shell: str, workspace: Path, key: UUID = KEY, base: str | None = None) -> Place:
    done = execute(shell, prepare_command(key, base), workspace)
    assert (done.returncode, done.stderr) == (0, "")
    return parse_place(done.stdout)


def look(shell: str, workspace: Path, key: UUID = KEY, base: str | None = None) -> Look:
    done = execute(shell, probe_command(key, base), workspace)
    assert (done.returncode, done.stderr) == (0, "")
    return parse_look(done.stdout)


def stop(shell: str, workspace: Path, *, forestall: bool) -> Look:
    command = stop_command(KEY, None, Cause.CANCELLED, grace=1, forestall=forestall)
    done = execute(shell, command, workspace)
    assert (done.returncode, done.stderr) == (0, "")
    return parse_look(done.stdout)


def upload(place: Place, token: str, script: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "main.sh").write_text(script)
        bundle = io.BytesIO()
        write_bundle(Path(directory), bundle)
    payload = io.BytesIO()
    files = {
        "runner.sh": RUNNER.encode(),
        "environment": environment_file({"AUTOMATION_RESULT": place.path("result.json")}),
        "entrypoint": b"bash main.sh",
        "bundle.tar.gz": bundle.getvalue(),
    }
    write_payload(files, payload)
    Path(place.path(f"payload-{token}.tar")).write_bytes(payload.getvalue())


def start(place: Place, token: str) -> str:
    return start_command(place, token, timeout=10, grace=1, limit=10**6)


class TestPrepare:
    @shells
    def test_makes_a_private_directory(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        directory = Path(place.directory)
        assert directory == tmp_path.resolve() / "automation-runs" / str(KEY)
        assert directory.stat().st_mode & 0o777 == 0o700
        assert abs(place.date - time.time()) < 5
        assert place.free is None or place.free > 2**20
        assert place.claim == ""

    @shells
    def test_finds_it_again(self, shell: str, tmp_path: Path) -> None:
        first = prepare(shell, tmp_path)
        Path(first.path("kept")).write_text("x")
        assert prepare(shell, tmp_path).directory == first.directory
        assert Path(first.path("kept")).exists()

    @shells
    def test_without_a_workspace_path_it_is_below_home(self, shell: str, tmp_path: Path) -> None:
        done = execute(shell, prepare_command(KEY, None), tmp_path, {"OH_WORKSPACE_PATH": ""})
        place = parse_place(done.stdout)
        assert place.directory == f"{tmp_path.resolve()}/.openhands/workspaces/automation-runs/{KEY}"

    @shells
    @pytest.mark.parametrize(
        "name",
        [
            "two words",
            "it's",
            'a "quote"',
            "$(touch pwned)",
            "`touch pwned`",
            "a;touch pwned",
            "a\\b",
            "*",
            "~",
            "é",
            "a&b|c>d",
            "$HOME",
            "a=b",
            "%s",
        ],
    )
    def test_a_base_is_data(self, shell: str, name: str, tmp_path: Path) -> None:
        base = tmp_path / name
        place = prepare(shell, tmp_path, base=str(base))
        assert place.directory == f"{base.resolve()}/automation-runs/{KEY}"
        assert Path(place.directory).is_dir()
        assert look(shell, tmp_path, base=str(base)).directory == place.directory
        assert execute(shell, release_command(KEY, str(base)), tmp_path).returncode == 0
        assert list((base / "automation-runs").iterdir()) == []
        assert not (tmp_path / "pwned").exists()

    @shells
    def test_a_base_that_is_a_link_is_followed_once(self, shell: str, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        place = prepare(shell, tmp_path, base=str(tmp_path / "link"))
        assert place.directory == f"{tmp_path.resolve()}/real/automation-runs/{KEY}"

    @shells
    def test_a_base_that_cannot_be_is_told(self, shell: str, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = execute(shell, prepare_command(KEY, str(tmp_path / "file")), tmp_path)
        assert done.returncode == 73
        assert "file" in done.stderr

    @shells
    def test_says_who_has_claimed_it(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        Path(place.path("claim")).write_text(f"start 1 2 b 1700000000 {FIRST}\n")
        assert prepare(shell, tmp_path).claim == FIRST
        Path(place.path("claim")).write_text("stop\n")
        assert prepare(shell, tmp_path).claim == "stop"


class TestStart:
    @shells
    def test_only_the_first_start_runs(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        for token in (FIRST, SECOND):
            upload(place, token, f"echo {token[0]} >> ../ran")
        first = execute(shell, start(place, FIRST), tmp_path)
        second = execute(shell, start(place, SECOND), tmp_path)
        again = execute(shell, start(place, FIRST), tmp_path)
        assert first.returncode == 0
        assert first.stdout == Path(place.path("status.json")).read_text()
        assert Path(place.path("ran")).read_text() == "1\n"
        for late in (second, again):
            assert (late.returncode, late.stderr) == (ALREADY_CLAIMED, "")
            assert claimed_token(late.stdout) == FIRST
        assert list(Path(place.directory).glob("payload-*")) == []

    @shells
    def test_of_many_at_once_one_runs(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        tokens = [f"{number:032x}" for number in range(6)]
        for token in tokens:
            upload(place, token, "echo x >> ../ran")
        started = [
            subprocess.Popen(
                [shell, *(["sh"] if shell == "busybox" else []), "-c", start(place, token)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for token in tokens
        ]
        answers = [process.communicate(timeout=10)[0] for process in started]
        codes = [process.returncode for process in started]
        assert sorted(codes) == [0] + [ALREADY_CLAIMED] * 5
        winner = tokens[codes.index(0)]
        late = [answer for answer, code in zip(answers, codes, strict=True) if code]
        assert {claimed_token(answer) for answer in late} == {winner}
        assert Path(place.path("ran")).read_text() == "x\n"

    @shells
    def test_of_two_with_one_token_nothing_is_lost(self, shell: str, tmp_path: Path) -> None:
        words = [shell, *(["sh"] if shell == "busybox" else []), "-c"]
        places = [prepare(shell, tmp_path, uuid4()) for _ in range(10)]
        for place in places:
            upload(place, FIRST, "echo x >> ../ran")
        pairs = [
            [
                subprocess.Popen([*words, start(place, FIRST)], stdout=subprocess.PIPE, text=True)
                for _ in range(2)
            ]
            for place in places
        ]
        for place, pair in zip(places, pairs, strict=True):
            answers = [process.communicate(timeout=10)[0] for process in pair]
            codes = [process.returncode for process in pair]
            assert sorted(codes) == [0, ALREADY_CLAIMED]
            assert claimed_token(answers[codes.index(ALREADY_CLAIMED)]) == FIRST
            assert answers[codes.index(0)] == Path(place.path("status.json")).read_text()
            assert Path(place.path("ran")).read_text() == "x\n"
            assert list(Path(place.directory).glob("claim-*")) == []

    @shells
    def test_no_empty_claim_is_ever_seen(self, shell: str, tmp_path: Path) -> None:
        words = [shell, *(["sh"] if shell == "busybox" else []), "-c"]
        for _ in range(5):
            place = prepare(shell, tmp_path, uuid4())
            upload(place, FIRST, "true")
            starts = [
                subprocess.Popen([*words, start(place, FIRST)], stdout=subprocess.PIPE) for _ in range(3)
            ]
            seen = set()
            while any(process.poll() is None for process in starts):
                with suppress(FileNotFoundError):
                    seen.add(Path(place.path("claim")).read_text())
            for process in starts:
                process.communicate(timeout=10)
            assert {claimed_token(claim) for claim in seen} == {FIRST}

    @shells
    def test_it_hands_on_the_servers_umask(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        upload(place, FIRST, "umask")
        done = execute(shell, f"umask 027; {start(place, FIRST)}", tmp_path)
        assert done.returncode == 0
        assert int(Path(place.path("output.log")).read_text(), 8) == 0o027

    @pytest.mark.parametrize(
        ("timeout", "grace", "words"),
        [(10, 1, "100 10"), (0.25, 0.04, "2 0"), (-3, -0.1, "0 0"), (1e6, 0, "10000000 0")],
    )
    def test_its_times_are_whole_tenths(self, timeout: float, grace: float, words: str) -> None:
        command = start_command(Place("/base/run", 1), FIRST, timeout=timeout, grace=grace, limit=7)
        assert command.endswith(f'runner.sh run "$u" {words} 7')

    @shells
    def test_its_claim_names_the_runner(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        upload(place, FIRST, "sleep 0.3")
        runner = subprocess.Popen(
            [shell, *(["sh"] if shell == "busybox" else []), "-c", start(place, FIRST)],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 5
        while (seen := look(shell, tmp_path)).process is Process.UNKNOWN and time.monotonic() < deadline:
            time.sleep(0.02)
        claim = Path(place.path("claim")).read_text().split()
        assert runner.wait(5) == 0
        assert seen.process is Process.ALIVE
        assert (seen.token, seen.since) == (FIRST, place.date)
        assert claim[:2] == ["start", str(runner.pid)]
        after = look(shell, tmp_path)
        assert (after.process, after.processes) == (Process.GONE, 0)

    @shells
    def test_what_it_lays_out_is_private(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        upload(place, FIRST, "true")
        assert execute(shell, start(place, FIRST), tmp_path).returncode == 0
        exposed = [path for path in Path(place.directory).iterdir() if path.stat().st_mode & 0o077]
        assert exposed == []

    @shells
    def test_a_payload_that_is_not_there(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        done = execute(shell, start(place, FIRST), tmp_path)
        assert done.returncode not in {0, ALREADY_CLAIMED}
        assert look(shell, tmp_path).process is Process.GONE

    @shells
    def test_a_directory_that_is_gone(self, shell: str, tmp_path: Path) -> None:
        assert execute(shell, start(Place(f"{tmp_path}/gone", 1), FIRST), tmp_path).returncode == 73

    @pytest.mark.parametrize(
        "token", ["", "x", "1" * 31, "1" * 33, "$(true)", f"{FIRST}\n", FIRST.replace("1", "A")]
    )
    def test_only_tokens_of_ours_reach_a_shell(self, token: str) -> None:
        with pytest.raises(AssertionError):
            start(Place("/base/run", 1), token)

    def test_it_holds_no_payload(self) -> None:
        assert len(start(Place("/base/run", 1), FIRST)) < 1000


class TestStop:
    @shells
    def test_before_the_start_it_takes_the_claim(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        upload(place, FIRST, "touch ../ran")
        assert stop(shell, tmp_path, forestall=True).process is Process.NEVER_STARTED
        late = execute(shell, start(place, FIRST), tmp_path)
        assert late.returncode == ALREADY_CLAIMED
        assert claimed_token(late.stdout) == "stop"
        assert not Path(place.path("ran")).exists()
        assert prepare(shell, tmp_path).claim == "stop"

    @shells
    def test_before_the_directory_is_made(self, shell: str, tmp_path: Path) -> None:
        assert stop(shell, tmp_path, forestall=True).process is Process.NEVER_STARTED
        place = prepare(shell, tmp_path)
        assert place.claim == "stop"
        assert Path(place.directory).stat().st_mode & 0o777 == 0o700

    @shells
    def test_without_forestalling_nothing_is_made(self, shell: str, tmp_path: Path) -> None:
        seen = stop(shell, tmp_path, forestall=False)
        assert (seen.process, seen.exists) == (Process.UNKNOWN, False)
        assert list(tmp_path.iterdir()) == []

    @shells
    def test_a_sweep_takes_no_claim(self, shell: str, tmp_path: Path) -> None:
        sweep = sweep_command(KEY, None, Cause.ABANDONED, grace=1)
        absent = execute(shell, sweep, tmp_path)
        assert (absent.returncode, parse_look(absent.stdout).exists) == (0, False)
        assert list(tmp_path.iterdir()) == []
        place = prepare(shell, tmp_path)
        done = execute(shell, sweep, tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert parse_look(done.stdout).process is Process.UNKNOWN
        assert prepare(shell, tmp_path).claim == ""
        assert not Path(place.path("claim")).exists()

    @shells
    def test_twice_is_as_once(self, shell: str, tmp_path: Path) -> None:
        prepare(shell, tmp_path)
        assert stop(shell, tmp_path, forestall=True).process is Process.NEVER_STARTED
        assert stop(shell, tmp_path, forestall=True).process is Process.NEVER_STARTED


class TestProbeAndRelease:
    @shells
    def test_a_probe_makes_nothing(self, shell: str, tmp_path: Path) -> None:
        seen = look(shell, tmp_path)
        assert (seen.process, seen.exists) == (Process.UNKNOWN, False)
        assert list(tmp_path.iterdir()) == []

    @shells
    def test_a_probe_changes_nothing(self, shell: str, tmp_path: Path) -> None:
        place = prepare(shell, tmp_path)
        seen = look(shell, tmp_path)
        assert (seen.process, seen.exists, seen.directory) == (Process.UNKNOWN, True, place.directory)
        assert list(Path(place.directory).iterdir()) == []

    @shells
    def test_release_removes_this_run_only(self, shell: str, tmp_path: Path) -> None:
        other = prepare(shell, tmp_path, uuid4())
        mine = prepare(shell, tmp_path)
        (Path(mine.directory) / "work").mkdir()
        (Path(mine.directory) / "work" / "out").symlink_to(other.directory)
        for _ in range(2):
            assert execute(shell, release_command(KEY, None), tmp_path).returncode == 0
        assert not Path(mine.directory).exists()
        assert Path(other.directory).is_dir()

    @shells
    def test_release_removes_what_was_prepared_a_day_ago_and_never_started(
        self, shell: str, tmp_path: Path
    ) -> None:
        def age(*paths: Path) -> None:
            for path in paths:
                os.utime(path, (time.time() - 2 * DAY,) * 2)

        def release() -> None:
            prepare(shell, tmp_path)
            done = execute(shell, release_command(KEY, None), tmp_path)
            assert (done.returncode, done.stderr) == (0, "")

        new, again, empty, full, unstarted = ids = [uuid4() for _ in range(5)]
        found = {each: Path(prepare(shell, tmp_path, each).directory) for each in ids}
        (found[full] / "status.json").touch()
        payload = found[unstarted] / f"payload-{FIRST}.tar"
        payload.touch()
        age(payload, *(found[each] for each in ids if each is not new))
        prepare(shell, tmp_path, again)
        release()
        assert [each for each in ids if not found[each].exists()] == [empty]
        assert not payload.exists()
        age(found[unstarted])
        release()
        assert not found[unstarted].exists()


@pytest.mark.parametrize(
    ("run_id", "key"),
    [
        (str(KEY), KEY),
        (KEY.hex, KEY),
        (str(KEY).upper(), KEY),
        ("nightly-1", run_key("nightly-1")),
        ("", run_key("")),
        ("../../etc", run_key("../../etc")),
    ],
)
def test_any_run_id_has_one_key(run_id: str, key: UUID) -> None:
    assert run_key(run_id) == key
    assert re.fullmatch(r"[0-9a-f-]{36}", str(run_key(run_id)))


def test_different_ids_have_different_keys() -> None:
    assert len({run_key(run_id) for run_id in ("a", "b", "A", "a ", "", "nightly-1", str(KEY))}) == 7
    assert run_key("nightly-1").version == 5


def test_a_place_is_read() -> None:
    assert parse_place(PREPARED) == Place("/base/run", 1_700_000_000, free=2048 * 1024)
    assert parse_place(PREPARED).path("status.json") == "/base/run/status.json"
    assert parse_place(PREPARED.replace("free=2048", "free=")).free is None
    assert parse_place(f"{PREPARED}claim=start 1 2 b 3 {FIRST}\n").claim == FIRST
    assert parse_place(f"{PREPARED}claim=nonsense\n").claim == ""


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ("", ServerUnavailable, "did not say where the run's directory is"),
        ("hello\n", ServerUnavailable, "did not say"),
        (PREPARED.replace("/base/run", "base/run"), ServerUnavailable, "did not say"),
        (PREPARED.replace("1700000000", ""), ServerUnavailable, "did not say"),
        (PREPARED.replace("1700000000", "now"), ServerUnavailable, "did not say"),
        (PREPARED.replace("5.2.15(1)-release", ""), Misconfigured, "has no bash; install bash"),
        (PREPARED.replace("5.2.15(1)-release", "sh: 1: bash: not found"), Misconfigured, "has no bash"),
        (PREPARED.replace("tar=yes\n", ""), Misconfigured, "has no tar; install tar"),
    ],
)
def test_a_place_that_will_not_do(answer: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        parse_place(answer)


@pytest.mark.parametrize(
    ("answer", "process", "exists"),
    [
        (PROBED, Process.ALIVE, True),
        (PROBED.replace("runner=alive", "runner=gone"), Process.GONE, True),
        (PROBED.replace("claim=start", "claim=stop"), Process.NEVER_STARTED, True),
        (PROBED.replace("claim=start", "claim=none"), Process.UNKNOWN, True),
        ("claim=absent\n", Process.UNKNOWN, False),
    ],
)
def test_a_look_is_read(answer: str, process: Process, exists: bool) -> None:
    seen = parse_look(answer)
    assert (seen.process, seen.exists) == (process, exists)


def test_all_of_a_look() -> None:
    assert parse_look(PROBED) == Look(
        Process.ALIVE,
        exists=True,
        processes=3,
        directory="/base/run",
        date=1_700_000_009,
        since=1_700_000_000,
        token=FIRST,
    )


@pytest.mark.parametrize(
    "answer", ["", "hello", "claim=start\n", "claim=start\nrunner=maybe\n", "claim=other\nrunner=alive\n"]
)
def test_a_look_that_says_nothing(answer: str) -> None:
    with pytest.raises(ServerUnavailable, match="did not say what became of the run"):
        parse_look(answer)


@pytest.mark.parametrize(
    ("claim", "token"),
    [
        (f"start 1 2 b 3 {FIRST}\n", FIRST),
        (FIRST, FIRST),
        ("stop\n", "stop"),
        ("", ""),
        ("\n", ""),
        ("start 1 2 b 3 x", ""),
        (f"start 1 2 b 3 {FIRST}0", ""),
        (f"start 1 2 b 3 {FIRST} more", ""),
    ],
)
def test_who_holds_a_claim(claim: str, token: str) -> None:
    assert claimed_token(claim) == token


def test_the_sdks_version_is_json() -> None:
    assert sdk_version_file('1.58.0"') == b'{"version": "1.58.0\\""}'


@pytest.mark.parametrize("base", ["/a\nb", "/a\x1b[31m", "/a\tb"])
def test_a_base_that_no_answer_could_tell_is_refused(base: str) -> None:
    with pytest.raises(Misconfigured, match="control characters"):
        prepare_command(KEY, base)

"""What is seen is kept as it was seen; only what the runner writes counts as its status."""

import pytest

from automation.observation import Cause, Escaped, Observation, Presence, Record, Status

# As the runner prints it.
LINE = (
    '{"version":1,"run":"6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a11","cause":"timed-out","phase":"entrypoint",'
    '"exit_code":143,"started":1700000000,"ended":1700000004,"milliseconds":4210,"output":12,"result":"file",'
    '"summary":"none","log":"other","outputs":["report"],"left":true,"escaped":[{"pid":7,"name":"sleep"}]}\n'
)


def status(line: str = LINE) -> Status:
    read = Observation(line).status
    assert read is not None
    return read


def test_the_runners_line_is_read() -> None:
    assert status() == Status(
        version=1,
        run="6a4b1a3e-6a55-4c1c-8d67-0c6a0e6a9a11",
        cause=Cause.TIMED_OUT,
        phase="entrypoint",
        exit_code=143,
        started=1_700_000_000,
        ended=1_700_000_004,
        milliseconds=4210,
        output=12,
        result=Presence.FILE,
        summary=Presence.NONE,
        log=Presence.OTHER,
        outputs=("report",),
        left=True,
        escaped=(Escaped(pid=7, name="sleep"),),
    )
    assert status(LINE.replace('"outputs":["report"],', "")).outputs == ()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "{}",
        "null",
        "ok",
        LINE[:-5],
        LINE * 2,
        LINE.replace("timed-out", "bogus"),
        LINE.replace('"exit_code":143,', ""),
        LINE.replace("143", '"none"'),
        LINE.replace("143", "null"),
        LINE.replace('"file"', "true"),
        LINE.replace('"file"', "null"),
        LINE.replace('"file"', '"directory"'),
        LINE.replace("143", "0.5"),
        LINE.replace("1700000000", "null"),
        LINE.replace('{"pid":7,"name":"sleep"}', "7"),
        LINE.replace("143", "1" * 5000),
    ],
)
def test_anything_else_is_no_status(line: str) -> None:
    assert Observation(line).status is None


@pytest.mark.parametrize(
    ("record", "confirmed"),
    [
        (Record(143, LINE), True),
        (Record(143, f"\n{LINE}\n"), True),
        (Record(143, LINE, stderr="a warning of the shell"), True),
        (Record(0, LINE), False),
        (Record(-9, LINE), False),
        (Record(143, ""), False),
        (Record(143, LINE + LINE), False),
        (Record(143, LINE.replace("4210", "4211")), False),
        (Record(143, LINE.replace(",", ", ")), False),
    ],
    ids=[
        "the same",
        "white space around it",
        "words on stderr",
        "another code",
        "killed",
        "nothing printed",
        "printed twice",
        "another number",
        "other white space in it",
    ],
)
def test_a_record_confirms_the_same_end_only(record: Record, confirmed: bool) -> None:
    assert record.confirms(LINE, status()) is confirmed


@pytest.mark.parametrize(
    ("record", "timed_out"),
    [
        (Record(-1), True),
        (Record(-1, stderr="a warning"), True),
        (Record(-1, stderr="Error executing command: [Errno 2]"), False),
        (Record(143), False),
        (Record(-9), False),
    ],
    ids=["-1", "words on stderr", "never executed", "ended by TERM", "killed"],
)
def test_the_servers_own_limit_is_told_apart(record: Record, timed_out: bool) -> None:
    assert record.is_timeout is timed_out


def test_the_files_of_a_run_stay_out_of_logs() -> None:
    seen = Observation(result=b"hunter2", summary=b"hunter2", log=b"hunter2")
    assert "hunter2" not in repr(seen)
    changed = seen.with_result(b"swordfish")
    assert "swordfish" not in repr(changed)
    assert (changed.result, changed.summary, changed.log) == (b"swordfish", b"hunter2", b"hunter2")

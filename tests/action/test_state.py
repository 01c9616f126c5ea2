"""What a killed step leaves is private, whole or not there, and read back as it was; garbage settles nothing."""

import json
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.action.state import KnownEnd, State, StateFile
from automation.reasons import Conclusion, Reason
from automation.report import Report
from automation.result import Annotation, AnnotationLevel, Result
from automation.verdict import Verdict

RUN = UUID("12391758-bc02-4a9f-8093-303e1a2c0c4e")
STATE = State(
    run_id=RUN,
    automation="Changelog guard",
    check_name="guard",
    head_sha="a" * 40,
    external_id=f"action:4242:{RUN}:1:1800000000",
    details_url="https://github.com/octo/demo/actions/runs/4242",
)
ANNOTATIONS = (
    Annotation(path="src/größe.py", start_line=1, message="m"),
    Annotation(
        path="a",
        start_line=1,
        end_line=1,
        start_column=2,
        end_column=3,
        annotation_level=AnnotationLevel.FAILURE,
        message="m\n\0",
        title="t",
        raw_details="r",
    ),
)
END = KnownEnd(
    Verdict(
        Conclusion.FAILURE,
        Reason.REPORTED,
        "the automation reported failure",
        0,
        Result(
            conclusion="failure",
            title="No line",
            summary="**s**",
            annotations=ANNOTATIONS,
            outputs={"changed": ["a", 1, None, {"b": 0.5}]},
            cost=0.25,
        ),
    ),
    Report("No line", "Say *what*.\n", "```text\n\u2028\n```"),
    ANNOTATIONS,
    1.25,
)
EVERYTHING = replace(
    STATE,
    check_id=45_000_000_001,
    app_id=15368,
    outputs=("changed", "report"),
    timeout=600.5,
    reports=False,
    is_ordered=True,
    is_embedded=True,
    is_cloud=True,
    asked_at=1796000000.5,
    sandboxes=("18HWllHllep3I8qTJu7S8s",),
    keeps_sandbox=True,
    is_fork=True,
    keep=True,
    end=END,
    is_told=True,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.mark.parametrize("state", [STATE, EVERYTHING], ids=["bare", "everything"])
def test_what_is_written_is_read_back(file: Path, state: State) -> None:
    StateFile(file).write(state)
    assert StateFile(file).read() == state


def test_every_field_is_tried_above() -> None:
    unset = {
        each.name for each in fields(State) if getattr(EVERYTHING, each.name) == getattr(STATE, each.name)
    }
    assert unset == {"run_id", "automation", "check_name", "head_sha", "external_id", "details_url"}


TEXT = st.text(max_size=20)


@settings(max_examples=50)
@given(
    sentence=TEXT,
    texts=st.tuples(TEXT, TEXT, TEXT),
    conclusion=st.sampled_from(Conclusion),
    reason=st.sampled_from(Reason),
    code=st.none() | st.integers(-1, 255),
    outputs=st.dictionaries(TEXT, st.none() | st.booleans() | TEXT | st.lists(TEXT, max_size=2), max_size=3),
    paths=st.lists(st.text(min_size=1, max_size=9), max_size=3),
)
def test_any_end_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    sentence: str,
    texts: tuple[str, str, str],
    conclusion: Conclusion,
    reason: Reason,
    code: int | None,
    outputs: dict[str, Any],
    paths: list[str],
) -> None:
    file = StateFile(tmp_path_factory.getbasetemp() / "any-end.json")
    annotations = tuple(Annotation(path=path, start_line=1, message=path) for path in paths)
    verdict = Verdict(conclusion, reason, sentence, code, Result(outputs=outputs))
    file.write(replace(STATE, end=KnownEnd(verdict, Report(*texts), annotations)))
    written = file.state
    assert file.read() == written
    assert written is not None


def test_the_file_is_its_users_only(file: Path) -> None:
    @contextmanager
    def umask(mask: int) -> Iterator[None]:
        before = os.umask(mask)
        try:
            yield
        finally:
            os.umask(before)

    for mask in (0, 0o022, 0o077):
        with umask(mask):
            StateFile(file).write(STATE)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(file.parent.iterdir()) == [file]


def test_a_reader_finds_a_whole_state_or_none(file: Path) -> None:
    """However the writes and the reads fall; the file grows and shrinks all the time."""
    states = [STATE, replace(EVERYTHING, check_name="x" * 200_000)]
    done = threading.Event()

    def write() -> None:
        left = StateFile(file)
        for count in range(100):
            left.write(states[count % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    found: list[State | None] = []
    while not done.is_set() or not found:
        found.append(StateFile(file).read() if file.exists() else STATE)
    writer.join(10)
    assert all(state in states for state in found)


def test_each_change_is_on_the_disk_before_the_next(file: Path) -> None:
    left = StateFile(file)
    left.write(STATE)
    left.note_check(77, 15368)
    assert StateFile(file).read() == replace(STATE, check_id=77, app_id=15368)
    left.note_order()
    assert StateFile(file).read() == replace(STATE, check_id=77, app_id=15368, is_ordered=True)
    left.note_end(END)
    assert StateFile(file).read() == replace(STATE, check_id=77, app_id=15368, is_ordered=True, end=END)
    left.note_told()
    expected = replace(STATE, check_id=77, app_id=15368, is_ordered=True, end=END, is_told=True)
    assert left.state == StateFile(file).read() == expected


def test_what_was_read_can_be_changed(file: Path) -> None:
    StateFile(file).write(STATE)
    later = StateFile(file)
    later.read()
    later.note_check(5, 6)
    assert StateFile(file).read() == replace(STATE, check_id=5, app_id=6)


def test_nothing_is_noted_of_a_run_that_is_not_there(file: Path) -> None:
    left = StateFile(file)
    left.note_check(1, 2)
    left.note_order()
    left.note_end(END)
    left.note_told()
    assert not file.exists()
    assert left.read() is None


def test_nothing_is_left_once_it_is_settled(file: Path) -> None:
    left = StateFile(file)
    left.write(STATE)
    left.remove()
    assert list(file.parent.iterdir()) == []
    assert left.state is None
    assert left.read() is None
    left.remove()
    left.note_order()
    assert list(file.parent.iterdir()) == []


def test_without_a_place_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    left = StateFile.of("")
    left.write(STATE)
    left.note_order()
    assert left.state == replace(STATE, is_ordered=True)
    assert left.read() is None
    left.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_place_is_the_one_that_is_named(file: Path) -> None:
    StateFile.of(str(file)).write(STATE)
    assert StateFile.of(str(file)).read() == STATE


@pytest.mark.parametrize("place", ["none/state.json", "file/state.json", "directory"])
def test_a_place_that_cannot_be_written_costs_the_memory_and_not_the_run(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory" / "inside").mkdir(parents=True)
    left = StateFile(tmp_path / place)
    left.write(STATE)
    left.note_order()
    left.note_end(END)
    assert left.state == replace(STATE, is_ordered=True, end=END)
    assert left.read() is None
    left.remove()


def spoil(file: Path, **changes: Any) -> None:
    """Leave EVERYTHING with other values in some places; `...` for a key that is missing."""
    StateFile(file).write(EVERYTHING)
    whole = json.loads(file.read_bytes()) | changes
    file.write_text(json.dumps({key: value for key, value in whole.items() if value is not ...}))


def test_an_unspoilt_document_is_read(file: Path) -> None:
    spoil(file)
    assert StateFile(file).read() == EVERYTHING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run_id", ...),
        ("run_id", 5),
        ("run_id", None),
        ("run_id", "../../etc"),
        ("run_id", [str(RUN)]),
        ("automation", ...),
        ("automation", 3),
        ("head_sha", None),
        ("external_id", {}),
        ("check_id", "77"),
        ("check_id", 1.5),
        ("check_id", None),
        ("app_id", "15368"),
        ("outputs", "abc"),
        ("outputs", {"a": 1}),
        ("outputs", [1]),
        ("timeout", "soon"),
        ("is_ordered", "yes"),
        ("is_ordered", 1),
        ("keep", None),
        ("end", {}),
        ("end", []),
        ("end", "failure"),
        ("end", {"verdict": None, "report": None, "annotations": None}),
    ],
)
def test_a_document_of_another_shape_settles_nothing(file: Path, name: str, value: Any) -> None:
    spoil(file, **{name: value})
    assert StateFile(file).read() is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"null",
        b"5",
        b"[]",
        b"{}",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"end":' * 50_000,
        b"\0" * 100,
    ],
    ids=lambda garbage: repr(garbage[:8]),
)
def test_garbage_settles_nothing(file: Path, garbage: bytes) -> None:
    file.write_bytes(garbage)
    left = StateFile(file)
    assert left.read() is None
    assert left.state is None


@given(garbage=st.binary(max_size=100))
def test_any_bytes_settle_nothing(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "garbage.json"
    file.write_bytes(garbage)
    assert StateFile(file).read() is None


def test_half_a_state_settles_nothing(file: Path) -> None:
    StateFile(file).write(EVERYTHING)
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        assert StateFile(file).read() is None


def test_a_directory_in_its_place_settles_nothing(file: Path) -> None:
    file.mkdir()
    assert StateFile(file).read() is None


def test_it_has_no_place_for_a_secret() -> None:
    secretive = re.compile("key|token|secret|password|server|credential|private", re.IGNORECASE)
    for kind in (State, KnownEnd, Verdict, Report):
        assert not [each.name for each in fields(kind) if secretive.search(each.name)]

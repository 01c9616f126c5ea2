"""A run survives its row, whatever is in it; a row survives the code that comes after it."""

import json
import sqlite3
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.definition.github_key import ConcurrencyPolicy
from automation.reasons import Conclusion, Reason
from bot.runs.run import End, Run, State, Station
from bot.store.column import fit, packed, unpacked
from bot.store.run_row import row_of, run_of
from bot.store.schema import runs
from tests.bot.store.rows import NOW, a_run

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
WILD = st.text(st.characters(categories=["Cs", "Cc", "L"]), max_size=30)
TIMES = st.floats(0, 4e9)
IDS = st.integers(0, 2**63 - 1)
NUMBERS = st.integers(-(2**40), 2**40)
ENDS = st.builds(
    End,
    st.sampled_from(Conclusion),
    st.sampled_from(Reason),
    TEXT,
    exit_code=st.none() | NUMBERS,
    title=TEXT,
    summary=TEXT,
    text=TEXT,
    annotations=st.lists(st.dictionaries(TEXT, TEXT | NUMBERS), max_size=3).map(tuple),
)
RUNS = st.builds(
    Run,
    id=st.uuids(),
    repository=TEXT,
    installation=IDS,
    automation=TEXT,
    name=TEXT,
    definition_sha=TEXT,
    head_sha=TEXT,
    head_ref=TEXT,
    pull_request=st.none() | IDS,
    is_fork=st.booleans(),
    actor=TEXT,
    comment_id=IDS,
    inputs=st.dictionaries(TEXT, TEXT),
    policy=st.sampled_from(ConcurrencyPolicy),
    retry_of=st.none() | st.uuids(),
    state=st.sampled_from(State),
    epoch=st.integers(0, 10**6),
    check_id=IDS,
    accepted_at=TIMES,
    started_at=TIMES,
    stations=st.lists(st.builds(Station, TEXT, TIMES, TEXT), max_size=3).map(tuple),
    end=st.none() | ENDS,
)


def through_sqlite(row: dict[str, Any]) -> dict[str, Any]:
    names = list(row)
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(names)})")
        connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", list(row.values()))
        (values,) = connection.execute("SELECT * FROM t").fetchall()
    connection.close()
    return dict(zip(names, values, strict=True))


@settings(deadline=None)
@given(RUNS)
def test_a_run_survives_its_row(run: Run) -> None:
    assert run_of(through_sqlite(row_of(run))) == run


@settings(deadline=None)
@given(WILD)
def test_text_that_no_database_takes_is_mended(text: str) -> None:
    run = a_run(name=text, inputs={text: text}, stations=(Station(text, 1, text),))
    kept = run_of(through_sqlite(row_of(run)))
    assert kept.name == kept.stations[0].detail == fit(text)
    assert len(kept.name) == len(text)


def test_each_field_has_its_place() -> None:
    row = row_of(a_run())
    assert row.keys() == set(runs.c.keys()) - {"request"}
    names = {each.name for each in fields(Run)} - {"unknown"}
    assert names <= row.keys() | json.loads(row["detail"]).keys()
    assert not row.keys() & json.loads(row["detail"]).keys()


def test_what_is_counted_and_filtered_by() -> None:
    end = End(Conclusion.FAILURE, Reason.EXIT_CODE, "no")
    row = row_of(a_run(accepted_at=NOW, end=end))
    assert (row["day"], row["conclusion"], row["reason"]) == (NOW // 86400, "failure", "exit-code")
    assert (row_of(a_run())["conclusion"], row_of(a_run())["reason"]) == ("", "")


def test_a_row_from_before_a_field_has_its_default() -> None:
    row = row_of(a_run(head_ref="topic", timeout=3)) | {"detail": '{"end": null}'}
    assert (run_of(row).head_ref, run_of(row).timeout) == ("", 0)


def test_what_a_newer_version_has_noted_is_kept_for_it() -> None:
    row = row_of(a_run())
    more = {
        **json.loads(row["detail"]),
        "mood": {"now": "good"},
        "stations": [{"phase": "x", "at": 1, "mood": "good"}],
    }
    run = run_of(row | {"detail": json.dumps(more)})
    assert run.stations == (Station("x", 1),)
    kept = json.loads(row_of(replace(run, head_ref="topic"))["detail"])
    assert (kept["mood"], kept["head_ref"]) == ({"now": "good"}, "topic")


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000])
def test_content_survives(content: bytes) -> None:
    assert unpacked(packed(content)) == content

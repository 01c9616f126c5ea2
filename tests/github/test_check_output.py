"""What a check run shows is in GitHub's terms, and nothing of it is larger than GitHub takes."""

from typing import Any

import pytest

from automation.github.check_output import (
    ANNOTATIONS_PER_CALL,
    MAX_ANNOTATIONS,
    MAX_PATH,
    MAX_TEXT,
    MAX_TITLE,
    batches_of,
    output_of,
)
from automation.report import Report
from automation.result import Annotation, AnnotationLevel

REPORT = Report("Succeeded", "All is well.", "output")
LIMITS = {"path": MAX_PATH, "message": MAX_TEXT, "title": MAX_TITLE, "raw_details": MAX_TEXT}


def annotation(**given: Any) -> Annotation:
    return Annotation(**{"path": "a.py", "start_line": 3, "message": "wrong"} | given)


def shown(**given: Any) -> dict[str, Any]:
    [[only]] = batches_of([annotation(**given)])
    return only


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, [0]),
        (1, [1]),
        (ANNOTATIONS_PER_CALL, [50]),
        (ANNOTATIONS_PER_CALL + 1, [50, 1]),
        (MAX_ANNOTATIONS, [50] * 10),
        (MAX_ANNOTATIONS + 1, [50] * 10),
    ],
)
def test_annotations_go_in_batches(count: int, sizes: list[int]) -> None:
    batches = batches_of([annotation(start_line=line) for line in range(1, count + 1)])
    assert [len(batch) for batch in batches] == sizes
    lines = [each["start_line"] for batch in batches for each in batch]
    assert lines == list(range(1, len(lines) + 1))


def test_a_bare_annotation_has_what_is_required_and_no_more() -> None:
    assert shown(annotation_level=AnnotationLevel.FAILURE) == {
        "path": "a.py",
        "start_line": 3,
        "end_line": 3,
        "annotation_level": "failure",
        "message": "wrong",
    }


def test_columns_are_only_of_one_line() -> None:
    columns = {"start_column": 2, "end_column": 5}
    assert shown(**columns).items() >= columns.items()
    assert shown(end_line=3, start_column=2).items() >= {"start_column": 2}.items()
    assert not columns.keys() & shown(end_line=4, **columns).keys()


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("letter", ["x", "\N{BUG}"])
def test_nothing_is_larger_than_github_takes(name: str, letter: str) -> None:
    text = shown(**{name: letter * (LIMITS[name] + 1)})[name]
    assert LIMITS[name] - 4 < len(text.encode()) <= LIMITS[name]
    assert set(text) == {letter}


@pytest.mark.parametrize("name", LIMITS)
def test_what_fits_is_whole(name: str) -> None:
    assert shown(**{name: "x" * LIMITS[name]})[name] == "x" * LIMITS[name]


def test_an_output_has_all_three_parts() -> None:
    whole = {"title": "Succeeded", "summary": "All is well.", "text": "output"}
    assert output_of(REPORT) == whole
    assert output_of(REPORT, [{"path": "a.py"}]) == whole | {"annotations": [{"path": "a.py"}]}

"""What a check run shows, in the API's terms and within its limits. Pure.

Source: https://docs.github.com/en/rest/checks/runs
"""

from collections.abc import Sequence
from typing import Any

from automation.report import Report
from automation.result import Annotation

ANNOTATIONS_PER_CALL = 50
"""GitHub's limit."""
MAX_ANNOTATIONS = 500
"""Of one check run. Ours: ten requests; GitHub names no limit."""
MAX_PATH = 4096
"""Bytes. Ours; GitHub names no limit."""
MAX_TEXT = 64 * 1024
"""Bytes of a message, and of raw details: GitHub's limit."""
MAX_TITLE = 255
"""GitHub's limit in characters. Ours counts bytes, of which there are as many or more."""

type Output = dict[str, Any]


def batches_of(annotations: Sequence[Annotation]) -> list[list[Output]]:
    shown = [_annotation(each) for each in annotations[:MAX_ANNOTATIONS]]
    return [shown[at : at + ANNOTATIONS_PER_CALL] for at in range(0, len(shown), ANNOTATIONS_PER_CALL)] or [
        []
    ]


def output_of(report: Report, annotations: Sequence[Output] = ()) -> Output:
    """All three parts each time: what is left out is deleted."""
    output: Output = {"title": report.title, "summary": report.summary, "text": report.text}
    return output | ({"annotations": list(annotations)} if annotations else {})


def _annotation(annotation: Annotation) -> Output:
    """In GitHub's terms: an end line always, columns only within one line, sizes in bytes."""
    end_line = annotation.end_line or annotation.start_line
    shown: Output = {
        "path": _cut(annotation.path, MAX_PATH),
        "start_line": annotation.start_line,
        "end_line": end_line,
        "annotation_level": annotation.annotation_level.value,
        "message": _cut(annotation.message, MAX_TEXT),
    }
    if annotation.start_line == end_line:
        columns = {"start_column": annotation.start_column, "end_column": annotation.end_column}
        shown |= {name: value for name, value in columns.items() if value is not None}
    if annotation.title:
        shown["title"] = _cut(annotation.title, MAX_TITLE)
    if annotation.raw_details:
        shown["raw_details"] = _cut(annotation.raw_details, MAX_TEXT)
    return shown


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")

"""A result file is taken whole or refused with a sentence that says where it is wrong."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.result import AnnotationLevel, Result, ResultInvalid, parse_result

ANNOTATION = {"path": "src/a.py", "start_line": 3, "message": "unused"}


def complaint(document: object) -> str:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(ResultInvalid) as refusal:
        parse_result(data)
    return str(refusal.value)


def test_everything_that_may_be_said() -> None:
    result = parse_result(
        json.dumps(
            {
                "conclusion": "action_required",
                "title": "2 findings",
                "summary": "**Look**",
                "annotations": [
                    ANNOTATION,
                    ANNOTATION
                    | {"end_line": 5, "start_column": 1, "end_column": 9, "annotation_level": "failure"},
                ],
                "outputs": {"report": {"a": [1, None, "é"]}},
                "cost": 0.25,
            }
        ).encode()
    )
    assert result.conclusion == "action_required"
    assert [each.annotation_level for each in result.annotations] == [
        AnnotationLevel.WARNING,
        AnnotationLevel.FAILURE,
    ]
    assert result.annotations[1].end_line == 5
    assert result.outputs == {"report": {"a": [1, None, "é"]}}
    assert result.cost == 0.25


def test_nothing_has_to_be_said() -> None:
    assert parse_result(b"{}") == Result()
    assert parse_result(b"\xef\xbb\xbf{}\n") == Result()
    assert parse_result(b'{"title": null, "cost": null}') == Result()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the result file is not JSON: Expecting value (line 1, column 1)"),
        (b"done", "the result file is not JSON: Expecting value (line 1, column 1)"),
        (b'{\n "title": }', "the result file is not JSON: Expecting value (line 2, column 11)"),
        (b'{"title": "a', "the result file is not JSON: Unterminated string starting at (line 1, column 11)"),
        (b'{"title": "\xff"}', "the result file is not UTF-8 text"),
        (b"[" * 200_000, "the result file is nested too deeply"),
        (b'{"cost": ' + b"1" * 5000 + b"}", "the result file is not"),
    ],
    ids=["empty", "a word", "a missing value", "cut off", "not UTF-8", "too deep", "a huge number"],
)
def test_what_is_no_json(data: bytes, says: str) -> None:
    with pytest.raises(ResultInvalid) as refusal:
        parse_result(data)
    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "is not valid at 'the document'"),
        (None, "is not valid at 'the document'"),
        ({"conclusion": "neutral"}, "is not valid at 'conclusion': Input should be 'success', 'failure' or"),
        ({"conclusion": "skipped"}, "is not valid at 'conclusion'"),
        ({"conclusion": "cancelled"}, "is not valid at 'conclusion'"),
        ({"title": 3}, "is not valid at 'title'"),
        ({"summry": ""}, "has an unknown key 'summry'; did you mean 'summary'?"),
        ({"zzz": ""}, "has an unknown key 'zzz'; known are conclusion, title, summary, annotations,"),
        ({"cost": -0.1}, "is not valid at 'cost'"),
        ({"cost": float("nan")}, "NaN is not a number"),
        ({"cost": float("inf")}, "Infinity is not a number"),
        ({"outputs": ["a"]}, "is not valid at 'outputs'"),
        ({"annotations": {}}, "is not valid at 'annotations'"),
        ({"annotations": [ANNOTATION, {}]}, "is not valid at 'annotations.1.path': Field required (and 2 mo"),
        ({"annotations": [ANNOTATION | {"path": ""}]}, "is not valid at 'annotations.0.path'"),
        ({"annotations": [ANNOTATION | {"message": ""}]}, "is not valid at 'annotations.0.message'"),
        ({"annotations": [ANNOTATION | {"start_line": 0}]}, "is not valid at 'annotations.0.start_line'"),
        ({"annotations": [ANNOTATION | {"start_line": 1.5}]}, "is not valid at 'annotations.0.start_line'"),
        ({"annotations": [ANNOTATION | {"end_line": 2}]}, "end_line is before start_line"),
        ({"annotations": [ANNOTATION | {"annotation_level": "error"}]}, "'annotations.0.annotation_level'"),
        ({"annotations": [ANNOTATION | {"mesage": "x"}]}, "'annotations.0.mesage'; did you mean 'message'?"),
    ],
)
def test_what_is_of_another_shape(document: object, says: str) -> None:
    sentence = complaint(document)
    assert sentence.startswith("the result file ")
    assert says in sentence
    assert sentence.isprintable()


def test_values_are_not_shown() -> None:
    for document in ({"title": ["hunter2"]}, {"cost": "hunter2"}, {"conclusion": "hunter2"}):
        assert "hunter2" not in complaint(document)


@pytest.mark.parametrize("key", ["a\nb", "\x1b[31m", "x" * 10_000], ids=["line break", "escape", "long"])
def test_an_odd_key_is_quoted_safely(key: str) -> None:
    sentence = complaint({key: 1})
    assert sentence.isprintable()
    assert len(sentence) < 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from([*Result.model_fields, "annotation", "x"])


@given(document=json_values | st.dictionaries(keys, json_values, max_size=3))
def test_any_json_is_a_result_or_refused(document: object) -> None:
    with suppress(ResultInvalid):
        result = parse_result(json.dumps(document).encode())
        assert result.conclusion in {None, "success", "failure", "action_required"}


@given(data=st.binary(max_size=30))
def test_any_bytes_are_a_result_or_refused(data: bytes) -> None:
    with suppress(ResultInvalid):
        parse_result(data)

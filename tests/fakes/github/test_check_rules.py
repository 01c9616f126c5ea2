"""Bodies of check runs that GitHub refuses, each over HTTP, and what it does to a text that is too long."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.github.check_rules import MAX_TEXT, cut
from tests.fakes.github.conftest import Demo
from tests.fakes.github.server import FakeGitHub

NOTE = {"path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "notice", "message": "m"}
BUTTON = {"label": "Retry", "description": "Runs it again", "identifier": "retry"}
CHECKS = "/repos/octo/demo/check-runs"


def output(**changes: Any) -> dict[str, Any]:
    return {"output": {"title": "T", "summary": "S", **changes}}


def note(**changes: Any) -> dict[str, Any]:
    return output(annotations=[NOTE | changes])


@pytest.fixture(scope="module")
def http(demo: Demo) -> Iterator[httpx.Client]:
    """One fake for all of these: a refused body changes nothing."""
    with FakeGitHub() as fake:
        fake.repository("octo/demo", demo.directory)
        token = fake.job_token("octo/demo", run_id=1, permissions={"checks": "write"})
        token.meter.limit = 100_000
        headers = {"authorization": f"Bearer {token.value}"}
        with httpx.Client(base_url=fake.url, headers=headers, trust_env=False) as client:
            yield client


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": None}, "nil is not a string"),
    "blank name": ({"name": " "}, "name"),
    "short SHA": ({"head_sha": "abc1234"}, "head_sha"),
    "SHA in capitals": ({"head_sha": "A" * 40}, "head_sha"),
    "SHA of nothing": ({"head_sha": "a" * 40}, "No commit found for SHA"),
    "unknown status": ({"status": "waiting"}, "status"),
    "completed without conclusion": ({"status": "completed"}, "conclusion"),
    "end without conclusion": ({"completed_at": "2026-11-01T00:00:00Z"}, "conclusion"),
    "stale": ({"conclusion": "stale"}, "conclusion"),
    "unknown conclusion": ({"conclusion": "passed"}, "conclusion"),
    "time without zone": ({"started_at": "2026-11-01T00:00:00"}, "started_at"),
    "no time": ({"started_at": "yesterday"}, "started_at"),
    "link that is no web page": ({"details_url": "javascript:alert(1)"}, "details_url"),
    "null as external_id": ({"external_id": None}, "external_id"),
    "number as external_id": ({"external_id": 7}, "external_id"),
    "output without summary": ({"output": {"title": "T"}}, "summary"),
    "output without title": ({"output": {"summary": "S"}}, "title"),
    "output that is text": ({"output": "S"}, "output"),
    "summary of 65 536 bytes": (output(summary="a" * (MAX_TEXT + 1)), "65535"),
    "summary of 65 536 bytes in few characters": (output(summary="é" * 32_768), "bytesize"),
    "text of 65 536 UTF-16 units": (output(text="a" * (MAX_TEXT + 1)), "65535 characters"),
    "text of 65 536 UTF-16 units in half the characters": (output(text="😀" * 32_768), "65535 characters"),
    "51 annotations": (output(annotations=[NOTE] * 51), "no more than 50"),
    "annotation without message": (output(annotations=[{**NOTE, "message": ""}]), "message"),
    "annotation without path": (output(annotations=[{k: NOTE[k] for k in NOTE if k != "path"}]), "path"),
    "annotation of unknown level": (note(annotation_level="error"), "annotation_level"),
    "annotation that ends before it starts": (note(end_line=2), "range"),
    "annotation at line 0": (note(start_line=0), "range"),
    "annotation at a line in words": (note(start_line="3"), "not an integer"),
    "columns over several lines": (note(end_line=4, start_column=1), "columns"),
    "end column over several lines": (note(end_line=4, end_column=1), "columns"),
    "message over 64 KB": (note(message="é" * 32_769), "64 KB"),
    "raw details over 64 KB": (note(raw_details="a" * 65_537), "64 KB"),
    "title over 255 characters": (note(title="a" * 256), "255"),
    "image without a link": (output(images=[{"alt": "a"}]), "image_url"),
    "four actions": ({"actions": [BUTTON] * 4}, "no more than 3"),
    "action without identifier": ({"actions": [{"label": "a", "description": "b"}]}, "identifier"),
    "label over 20": ({"actions": [BUTTON | {"label": "a" * 21}]}, "20"),
    "description over 40": ({"actions": [BUTTON | {"description": "a" * 41}]}, "40"),
    "identifier over 20": ({"actions": [BUTTON | {"identifier": "a" * 21}]}, "20"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED)
def test_a_check_run_is_not_created_from(
    changes: dict[str, Any], words: str, http: httpx.Client, demo: Demo
) -> None:
    answer = http.post(CHECKS, json={"name": "check", "head_sha": demo.head, **changes})
    assert answer.status_code == 422
    assert words in answer.text
    assert answer.json()["status"] == "422"


@pytest.mark.parametrize("missing", ["name", "head_sha"])
def test_a_check_run_needs(missing: str, http: httpx.Client, demo: Demo) -> None:
    body = {"name": "check", "head_sha": demo.head}
    del body[missing]
    answer = http.post(CHECKS, json=body)
    assert answer.status_code == 422
    assert f'"{missing}" wasn\'t supplied' in answer.json()["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [pair for name, pair in REFUSED.items() if not {"name", "head_sha"} & pair[0].keys()]
    + [({"head_sha": "a" * 40}, "cannot be changed"), ({"name": 7}, "not a string")],
)
def test_a_check_run_is_not_changed_by(
    changes: dict[str, Any], words: str, http: httpx.Client, demo: Demo
) -> None:
    created = http.post(CHECKS, json={"name": "check", "head_sha": demo.head, "external_id": "e"}).json()
    answer = http.patch(f"{CHECKS}/{created['id']}", json=changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert http.get(f"{CHECKS}/{created['id']}").json() == created


ACCEPTED: dict[str, dict[str, Any]] = {
    "50 annotations": output(annotations=[NOTE] * 50),
    "summary of 65 535 bytes": output(summary="é" * 32_767 + "a"),
    "empty text": output(text=""),
    "columns on one line": note(start_column=1, end_column=5),
    "lines without columns": note(end_line=9),
    "message of 64 KB": note(message="a" * 65_536),
    "title of 255 characters": note(title="é" * 255),
    "an image": output(images=[{"alt": "a", "image_url": "https://example.com/a.png"}]),
    "three actions of full length": {
        "actions": [{"label": "é" * 20, "description": "é" * 40, "identifier": "é" * 20}] * 3
    },
    "time with an offset": {"started_at": "2026-11-01T02:00:00+02:00"},
    "a field that GitHub does not know": {"colour": "red"},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_a_check_run_is_created_with(changes: dict[str, Any], http: httpx.Client, demo: Demo) -> None:
    answer = http.post(CHECKS, json={"name": "check", "head_sha": demo.head, **changes})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b'{"name": "\\ud800"}', b"\xff", b'{"name": NaN}'])
def test_what_is_no_json_object_is_400(body: bytes, http: httpx.Client) -> None:
    assert http.post(CHECKS, content=body, headers={"content-type": "application/json"}).status_code == 400


def test_a_text_over_65_535_bytes_is_cut_without_a_word(http: httpx.Client, demo: Demo) -> None:
    text = "é" * 40_000
    answer = http.post(CHECKS, json={"name": "check", "head_sha": demo.head, **output(text=text)})
    assert answer.status_code == 201
    assert answer.json()["output"]["text"] == "é" * 32_767


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: text * 20_000))
def test_a_cut_text_is_the_longest_beginning_that_fits(text: str) -> None:
    kept = cut(text)
    assert text.startswith(kept)
    assert len(kept.encode()) <= MAX_TEXT
    if kept != text:
        assert len(text[: len(kept) + 1].encode()) > MAX_TEXT

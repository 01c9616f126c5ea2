"""The step's surroundings are read as GitHub gives them; what is not GitHub's is one sentence, never a traceback."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.action import context as context_module
from automation.action.context import Context, read_context
from automation.errors import Misconfigured
from automation.reasons import Reason

SHA = "0123456789abcdef" * 2 + "01234567"


def read(**variables: str) -> Context:
    return read_context({"GITHUB_REPOSITORY": "octo/demo"} | variables)


def read_event(tmp_path: Path, content: bytes) -> Context:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    return read(GITHUB_EVENT_PATH=str(file))


def test_everything_that_github_says(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"action": "created", "größe": 1}', encoding="utf-8")
    found = read(
        GITHUB_EVENT_NAME="issue_comment",
        GITHUB_EVENT_PATH=str(event),
        GITHUB_SHA=SHA.upper(),
        GITHUB_REF="refs/heads/main",
        GITHUB_API_URL="https://ghes.example/api/v3/",
        GITHUB_SERVER_URL="https://ghes.example/",
        GITHUB_RUN_ID="4242",
        GITHUB_RUN_ATTEMPT="3",
        GITHUB_JOB="automations",
        GITHUB_WORKSPACE="/somewhere/demo",
        GITHUB_OUTPUT="/tmp/output",
        GITHUB_STEP_SUMMARY="/tmp/summary",
        RUNNER_TEMP="/somewhere/temp",
    )
    assert found == Context(
        repository="octo/demo",
        event_name="issue_comment",
        event={"action": "created", "größe": 1},
        sha=SHA,
        ref="refs/heads/main",
        api_url="https://ghes.example/api/v3",
        server_url="https://ghes.example",
        run_id="4242",
        attempt=3,
        job="automations",
        workspace=Path("/somewhere/demo"),
        temporary=Path("/somewhere/temp"),
        output_file=Path("/tmp/output"),
        summary_file=Path("/tmp/summary"),
    )
    assert found.run_url == "https://ghes.example/octo/demo/actions/runs/4242"
    assert "größe" not in repr(found), "an event is long, and may hold anything"


def test_only_the_repository_has_to_be_there() -> None:
    found = read()
    assert found == Context("octo/demo", workspace=Path())
    assert found.api_url == "https://api.github.com"
    assert found.run_url == "https://github.com/octo/demo/actions/runs/0"
    assert {each.name for each in fields(found) if getattr(found, each.name) is None} == {
        "temporary",
        "output_file",
        "summary_file",
    }


def test_what_is_blank_is_not_there() -> None:
    blank = dict.fromkeys(
        [
            "GITHUB_API_URL",
            "GITHUB_WORKSPACE",
            "GITHUB_OUTPUT",
            "GITHUB_STEP_SUMMARY",
            "GITHUB_EVENT_PATH",
            "RUNNER_TEMP",
        ],
        "",
    )
    assert read(**blank) == read()


@pytest.mark.parametrize(
    "name", ["", "demo", "octo/demo/x", "/", "octo/", "/demo", "octo demo/x", "octo/demo\n"]
)
def test_without_a_repository_it_is_no_step(name: str) -> None:
    with pytest.raises(Misconfigured, match="elsewhere use `automation run`") as refusal:
        read_context({"GITHUB_REPOSITORY": name})
    assert refusal.value.reason is Reason.BAD_CONFIG


@pytest.mark.parametrize("sha", ["", SHA[:7], "main", SHA + "0", SHA[:-1] + "g", "\u0660" * 40])
def test_what_is_no_sha_is_none(sha: str) -> None:
    assert read(GITHUB_SHA=sha).sha == ""


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [("", 1), ("0", 1), ("1", 1), ("12", 12), ("-1", 1), ("x", 1), ("1.5", 1), ("²", 1)],
)
def test_attempts_count_from_one(attempt: str, expected: int) -> None:
    assert read(GITHUB_RUN_ATTEMPT=attempt).attempt == expected


@pytest.mark.parametrize(
    ("run_id", "expected"), [("", "0"), ("77", "77"), ("-7", "0"), ("x", "0"), ("1/2", "0")]
)
def test_a_run_has_a_number(run_id: str, expected: str) -> None:
    assert read(GITHUB_RUN_ID=run_id).run_id == expected


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_SERVER_URL"])
@pytest.mark.parametrize(
    "url", ["api.github.com", "ftp://x", "file:///etc/passwd", "javascript:alert(1)", "https:/"]
)
def test_addresses_are_http(name: str, url: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name} is not an http or https address"):
        read(**{name: url})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b'{"a": "\xe9"}', "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"null", "is not a JSON object"),
        (b"[]", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b"5", "is not a JSON object"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_event_that_cannot_be_read(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        read_event(tmp_path, content)


def test_an_event_without_a_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "event.json" / "x"):
        with pytest.raises(Misconfigured, match=r"GITHUB_EVENT_PATH\) cannot be read"):
            read(GITHUB_EVENT_PATH=str(path))


def test_an_event_that_is_too_large_is_cut_and_so_no_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_event(tmp_path, json.dumps({"a": "x" * 100}).encode()).event == {"a": "x" * 100}
    monkeypatch.setattr(context_module, "MAX_EVENT", 50)
    with pytest.raises(Misconfigured, match="is not JSON"):
        read_event(tmp_path, json.dumps({"a": "x" * 100}).encode())


VARIABLES = [
    "GITHUB_REPOSITORY",
    "GITHUB_SHA",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_API_URL",
    "GITHUB_SERVER_URL",
    "GITHUB_WORKSPACE",
    "GITHUB_OUTPUT",
    "GITHUB_EVENT_PATH",
]
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=12)
NUMBERS = st.integers(0, 10**9).map(str) | st.sampled_from(["9" * 5000, "٣", "१२"])


@given(variables=st.dictionaries(st.sampled_from(VARIABLES), TEXT | NUMBERS))
def test_no_environment_is_a_traceback(variables: dict[str, str]) -> None:
    try:
        found = read_context({"GITHUB_REPOSITORY": "octo/demo"} | variables)
    except Misconfigured:
        return
    assert found.attempt >= 1
    assert found.run_id.isascii()
    assert found.run_id.isdigit()

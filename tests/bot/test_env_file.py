"""Files of settings: strict lines that systemd and Docker read alike; what is wrong is named by its line, never quoted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.errors import Misconfigured
from bot.env_file import env_line, read_env_file, with_file, write_private


def file_of(directory: Path, text: str | bytes) -> Path:
    path = directory / "bot.env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_lines(tmp_path: Path) -> None:
    text = "# a comment\n\n  # another\nBOT_GITHUB_APP_ID=123\r\nBOT_WEBHOOK_SECRET=a=b#c d\nEMPTY=\nhttps_proxy=x"
    assert read_env_file(file_of(tmp_path, text)) == {
        "BOT_GITHUB_APP_ID": "123",
        "BOT_WEBHOOK_SECRET": "a=b#c d",
        "EMPTY": "",
        "https_proxy": "x",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("BOT_WEBHOOK_SECRET", "expected NAME=value"),
        ("export BOT_WEBHOOK_SECRET=hunter2", "without `export`"),
        ("BOT_WEBHOOK_SECRET = hunter2", "without spaces around"),
        ("9=hunter2", "expected NAME=value"),
        ("BOT_WEBHOOK_SECRET='hunter2'", "leave them out"),
        ('BOT_WEBHOOK_SECRET="hunter2"', "leave them out"),
        ("BOT_WEBHOOK_SECRET=hunter2\x00", "without control characters"),
        ("BOT_WEBHOOK_SECERT=hunter2", "did you mean BOT_WEBHOOK_SECRET?"),
        ("BOT_GITHUB_APP_ID=hunter2", "given twice"),
    ],
)
def test_a_wrong_line_is_named_and_not_quoted(tmp_path: Path, line: str, expected: str) -> None:
    path = file_of(tmp_path, f"BOT_GITHUB_APP_ID=1\n{line}\n")
    with pytest.raises(Misconfigured) as caught:
        read_env_file(path)
    assert caught.value.sentence.startswith(f"{path}:2: ")
    assert expected in caught.value.sentence
    assert "hunter2" not in caught.value.sentence
    assert [place.line for place in caught.value.places] == [2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"\xff\xfe", "is no text"), (b"#" * 300_000, "is too long"), (None, "cannot be read")],
)
def test_what_is_no_such_file(tmp_path: Path, content: bytes | None, expected: str) -> None:
    path = tmp_path / "none" if content is None else file_of(tmp_path, content)
    with pytest.raises(Misconfigured, match=expected):
        read_env_file(path)


def test_the_environment_comes_first_unless_it_is_blank(tmp_path: Path) -> None:
    path = file_of(tmp_path, "A=file\nB=file\nC=file\n")
    assert with_file({"A": "given", "B": " ", "D": "given"}, path) == {
        "A": "given",
        "B": "file",
        "C": "file",
        "D": "given",
    }
    assert with_file({"A": "given"}, None) == {"A": "given"}


@given(value=st.text())
def test_a_line_that_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    try:
        line = env_line("NAME", value)
    except Misconfigured:
        return
    path = file_of(tmp_path_factory.getbasetemp(), line)
    assert read_env_file(path) == {"NAME": value}


def test_a_private_file_is_for_this_user_and_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_takes_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none/key.pem cannot be written \(No such file"):
        write_private(tmp_path / "none" / "key.pem", "x")

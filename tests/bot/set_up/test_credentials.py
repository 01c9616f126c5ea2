"""What set-up writes: private files that the bot starts with, and nothing is ever overwritten."""

import sys
from pathlib import Path
from typing import Any

import pytest

from automation.errors import Misconfigured
from bot.env_file import read_env_file
from bot.set_up.conversion import NewApp
from bot.set_up.credentials import Place
from bot.settings import BotSettings

GIVEN = {
    "BOT_PUBLIC_URL": "https://bot.test",
    "BOT_GITHUB_API_URL": "",
    "AUTOMATION_AGENT_SERVER_URL": "http://127.0.0.1:8000",
    "AUTOMATION_AGENT_SERVER_API_KEY": "key",
}


def test_the_bot_starts_with_what_is_written(tmp_path: Path, conversion: dict[str, Any]) -> None:
    place = Place(tmp_path / "new" / "directory")
    place.prepare()
    place.write(NewApp.read(conversion), GIVEN)
    for path in (place.env_file, place.key_file):
        assert path.stat().st_mode & 0o777 == 0o600
    assert place.directory.stat().st_mode & 0o077 == 0
    assert len(list(place.directory.iterdir())) == 2
    written = read_env_file(place.env_file)
    found = BotSettings.from_environment(written)
    assert (found.app_id, found.private_key) == (4711, conversion["pem"].strip())
    assert found.webhook_secret == conversion["webhook_secret"]
    assert found.public_url == "https://bot.test"
    assert found.core.agent_server_api_key == "key"
    assert len(found.operator_token) >= 43
    assert found.database_path == place.directory / "automation-bot.sqlite3"
    text = place.env_file.read_text()
    assert conversion["client_secret"] not in text
    assert "PRIVATE KEY-" not in text
    assert "BOT_GITHUB_API_URL" not in written


def test_secrets_of_two_set_ups_differ(tmp_path: Path, conversion: dict[str, Any]) -> None:
    written = []
    for name in ("one", "two"):
        place = Place(tmp_path / name)
        place.prepare()
        place.write(NewApp.read(conversion), GIVEN)
        written.append(read_env_file(place.env_file))
    for name in ("BOT_SECRET_KEY", "BOT_OPERATOR_TOKEN"):
        assert written[0][name] != written[1][name]


def test_what_is_not_known_yet_is_left_to_be_filled_in(tmp_path: Path, conversion: dict[str, Any]) -> None:
    place = Place(tmp_path)
    place.write(NewApp.read(conversion), {"BOT_PUBLIC_URL": "https://bot.test"})
    assert "\n#AUTOMATION_AGENT_SERVER_URL=" in place.env_file.read_text()
    assert "\n#OPENHANDS_API_KEY=" in place.env_file.read_text()
    assert "AUTOMATION_AGENT_SERVER_URL" not in read_env_file(place.env_file)


def test_a_cloud_is_a_place_for_runs_too(tmp_path: Path, conversion: dict[str, Any]) -> None:
    place = Place(tmp_path)
    given = {
        "BOT_PUBLIC_URL": "https://bot.test",
        "OPENHANDS_API_KEY": "key",
        "AUTOMATION_CLOUD_AUTH": "session-key",
    }
    place.write(NewApp.read(conversion), given)
    assert "#AUTOMATION_AGENT_SERVER_URL" not in place.env_file.read_text()
    assert BotSettings.from_environment(read_env_file(place.env_file)).core.is_cloud_mode


@pytest.mark.parametrize("name", ["automation-bot.env", "automation-bot.private-key.pem"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(Misconfigured, match=f"{name} is there already and is not overwritten"):
        Place(tmp_path).prepare()


def test_a_place_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Misconfigured, match="cannot be made"):
            Place(directory).prepare()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, whose /proc takes no files")
def test_a_directory_that_takes_no_files() -> None:
    with pytest.raises(Misconfigured, match="cannot be written"):
        Place(Path("/proc/self")).prepare()


def test_a_value_that_no_line_carries_writes_nothing(tmp_path: Path, conversion: dict[str, Any]) -> None:
    place = Place(tmp_path)
    with pytest.raises(Misconfigured, match="BOT_WEBHOOK_SECRET cannot be written"):
        place.write(NewApp.read(conversion | {"webhook_secret": "a\nBOT_PUBLIC_URL=http://evil"}), GIVEN)
    assert list(tmp_path.iterdir()) == []

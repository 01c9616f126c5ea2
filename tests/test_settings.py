"""Settings keep the names that OpenHands' automation service gave them."""

import pytest

from automation.settings import Settings


@pytest.mark.parametrize(
    ("environment", "settings", "is_agent_server_mode"),
    [
        ({}, Settings(), False),
        ({"AUTOMATION_AGENT_SERVER_URL": " \n"}, Settings(), False),
        ({"AUTOMATION_AGENT_SERVER_API_KEY": "k"}, Settings("", "k"), False),
        ({"AUTOMATION_AGENT_SERVER_URL": "http://h"}, Settings("http://h"), True),
        (
            {"AUTOMATION_AGENT_SERVER_URL": " http://h\n", "AUTOMATION_AGENT_SERVER_API_KEY": " k\n"},
            Settings("http://h", "k"),
            True,
        ),
        ({"AGENT_SERVER_URL": "http://h", "SESSION_API_KEY": "k"}, Settings(), False),
    ],
    ids=["nothing", "blank", "a key alone", "an open server", "with white space", "a run's own variables"],
)
def test_the_environment_decides(
    environment: dict[str, str], settings: Settings, is_agent_server_mode: bool
) -> None:
    found = Settings.from_environment(environment)
    assert found == settings
    assert found.is_agent_server_mode is is_agent_server_mode


def test_the_key_is_never_shown() -> None:
    assert "hunter2" not in repr(Settings("http://h", "hunter2"))


def test_the_processs_own_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATION_AGENT_SERVER_URL", "http://there")
    assert Settings.from_environment().agent_server_url == "http://there"

"""Settings: each that is missing or wrong is named, all at once, and no value is ever shown."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation import settings as core
from automation.cloud.account import PUBLIC_URL, CloudAuth
from automation.errors import Misconfigured
from automation.settings import Settings
from bot import settings
from bot.caps import Caps
from bot.log import LogFormat
from bot.set_up.manifest import EVENTS, PERMISSIONS
from bot.settings import NAMES, BotSettings
from bot.variables import is_loopback
from bot.vault import SECRET_KEY
from tests.fakes.github.apps import private_key

README = (Path(__file__).parents[2] / "bot" / "README.md").read_text(encoding="utf-8")
PEM = private_key(1)
KEY, OLD_KEY = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"a", b"b"))
GOOD = {
    "BOT_GITHUB_APP_ID": "123",
    "BOT_GITHUB_PRIVATE_KEY": PEM,
    "BOT_WEBHOOK_SECRET": "s" * 16,
    "BOT_PUBLIC_URL": "https://automations.test/",
    "BOT_SECRET_KEY": KEY,
    "AUTOMATION_AGENT_SERVER_URL": "http://agents.test:8000",
}


def read(**changes: str | None) -> BotSettings:
    return BotSettings.from_environment(environment(**changes))


def environment(**changes: str | None) -> dict[str, str]:
    return {name: value for name, value in (GOOD | changes).items() if value is not None}


def complaints(given: Mapping[str, str]) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        BotSettings.from_environment(given)
    for name, value in given.items():
        assert len(value.strip()) < 3 or value.strip() not in caught.value.sentence, name
    return caught.value.sentence.splitlines()


def test_the_least_that_is_needed() -> None:
    found = read()
    assert found == BotSettings(
        app_id=123,
        private_key=PEM.strip(),
        webhook_secret="s" * 16,
        public_url="https://automations.test",
        secret_keys=(KEY,),
        core=Settings("http://agents.test:8000"),
    )
    assert found.github_api_url == "https://api.github.com"
    assert found.database_path == Path("automation-bot.sqlite3")
    assert found.caps == Caps()


def test_everything() -> None:
    found = read(
        BOT_GITHUB_API_URL="https://ghe.example.com/api/v3/",
        BOT_DATABASE_URL="sqlite:////data/bot.db",
        BOT_SECRET_KEY=f" {KEY} , {OLD_KEY},\n",
        BOT_OPERATOR_TOKEN="o" * 16,
        BOT_FORK_AGENT_SERVER_URL="https://forks.example.com/",
        BOT_FORK_AGENT_SERVER_API_KEY="fork-key",
        AUTOMATION_AGENT_SERVER_API_KEY="key",
        AUTOMATION_PATIENCE="7",
        BOT_LOG_FORMAT="json",
        BOT_MAX_RUNS="1",
        BOT_MAX_RUNS_PER_REPOSITORY="2",
        BOT_MAX_RUNS_PER_SERVER="3",
        BOT_RUNS_PER_USER_HOUR="4",
        BOT_RUNS_PER_PULL_HOUR="5",
        BOT_RUNS_PER_REPOSITORY_HOUR="6",
    )
    assert found.github_api_url == "https://ghe.example.com/api/v3"
    assert found.github_url == "https://ghe.example.com"
    assert found.database_path == Path("/data/bot.db")
    assert found.secret_keys == (KEY, OLD_KEY)
    assert found.core == Settings(
        "http://agents.test:8000", "key", "https://forks.example.com", "fork-key", patience=7
    )
    assert found.log_format is LogFormat.JSON
    assert found.caps == Caps(1, 2, 3, 4, 5, 6)
    assert set(found.secrets) == {PEM.strip(), "s" * 16, KEY, OLD_KEY, "o" * 16, "key", "fork-key"}
    assert not any(secret in repr(found) for secret in found.secrets)


@pytest.mark.parametrize(
    ("url", "name", "secret"),
    [
        ("postgresql://bot:hunter%202@db.test:5433/bot", "postgresql://db.test:5433/bot", "hunter 2"),
        ("postgresql://bot@db.test/bot?sslmode=require", "postgresql://db.test/bot", ""),
        ("postgres://bot:bot@db.test/bot", "postgres://db.test/bot", ""),
    ],
)
def test_a_database_that_replicas_share(url: str, name: str, secret: str) -> None:
    found = read(BOT_DATABASE_URL=url)
    assert (found.database_url, found.database_name, found.database_path) == (url, name, None)
    assert [each for each in found.secrets if each.startswith("hunter")] == ([secret] if secret else [])


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, "", " \n"])
def test_each_that_is_missing_is_named_alone(name: str, value: str | None) -> None:
    [complaint] = complaints(environment(**{name: value}))
    assert complaint.startswith(f"{name}: is not set; expected ")


def test_all_that_is_missing_is_named_at_once() -> None:
    assert [line.partition(":")[0] for line in complaints({})] == list(GOOD)


def test_a_slip_in_a_name_is_pointed_out() -> None:
    [complaint] = complaints(environment(BOT_WEBHOOK_SECRET=None, BOT_WEBHOOK_SECERT="s" * 20))
    assert "(BOT_WEBHOOK_SECERT is; is that a slip?)" in complaint


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BOT_GITHUB_APP_ID", "Iv23liABC", "the number of the GitHub App"),
        ("BOT_GITHUB_APP_ID", "0", "the number"),
        ("BOT_GITHUB_APP_ID", "٣٣٣", "the number"),
        ("BOT_GITHUB_PRIVATE_KEY", "hunter2hunter2", "RSA key in PEM"),
        ("BOT_GITHUB_PRIVATE_KEY", PEM.replace("A", "B", 30), "RSA key in PEM"),
        ("BOT_GITHUB_PRIVATE_KEY", "ключ" * 9, "RSA key in PEM"),
        ("BOT_GITHUB_PRIVATE_KEY_PATH", "/nowhere/key.pem", "both are given"),
        ("BOT_WEBHOOK_SECRET", "development", "at least 16 characters"),
        ("BOT_WEBHOOK_SECRET", "a secret with blanks in it", "no spaces"),
        ("BOT_GITHUB_API_URL", "http://api.github.com", "https URL"),
        ("BOT_GITHUB_API_URL", "https://me:hunter2@api.github.com", "without credentials"),
        ("BOT_PUBLIC_URL", "automations.test", "https URL"),
        ("BOT_PUBLIC_URL", "http://automations.test", "http only on this machine"),
        ("BOT_PUBLIC_URL", "https://automations.test/?a=1", "query"),
        ("BOT_PUBLIC_URL", "https://automations.test:99999", "https URL"),
        ("BOT_PUBLIC_URL", "https://[bot", "https URL"),
        ("BOT_PUBLIC_URL", "https://:443", "https URL"),
        ("BOT_DATABASE_URL", "postgresql://bot:hunter2@db", "postgresql://user:password@host"),
        ("BOT_DATABASE_URL", "postgresql://bot:hunter2@[db/bot", "postgresql://user:password@host"),
        ("BOT_DATABASE_URL", "postgresql:///bot", "postgresql://user:password@host"),
        ("BOT_DATABASE_URL", "postgresql://bot:hunter2@db:port/bot", "postgresql://user:password@host"),
        ("BOT_DATABASE_URL", "postgresql://bot:a/hunter2@db/bot", "%-escapes"),
        ("BOT_DATABASE_URL", "postgresql://bot:a@hunter2@db/bot", "%-escapes"),
        ("BOT_DATABASE_URL", "postgresql://bot@db/bot?password=hunter2", "before the @"),
        ("BOT_DATABASE_URL", "postgresql+asyncpg://bot:hunter2@db/bot", "postgresql://user:password@host"),
        ("BOT_DATABASE_URL", "mysql://bot:hunter2@db/bot", "SQLite file"),
        ("BOT_DATABASE_URL", "sqlite+aiosqlite:///x", "SQLite file"),
        ("BOT_DATABASE_URL", "sqlite:///:memory:", "SQLite file"),
        ("BOT_DATABASE_URL", "sqlite:///a?mode=ro", "SQLite file"),
        ("BOT_DATABASE_URL", "bot.db3", "SQLite file"),
        ("BOT_SECRET_KEY", "hunter2hunter2", "new-key"),
        ("BOT_SECRET_KEY", f"{KEY},hunter2", "new-key"),
        ("BOT_SECRET_KEY", ",,", "new-key"),
        ("BOT_OPERATOR_TOKEN", "hunter2", "at least 16 characters"),
        ("BOT_OPERATOR_TOKEN", "hünter2" * 9, "characters beyond ASCII"),
        ("BOT_FORK_AGENT_SERVER_URL", "ftp://forks.example.com", "not an http or https address"),
        ("BOT_FORK_AGENT_SERVER_URL", "http://agents.test:8000/", "expected another one, or none"),
        ("AUTOMATION_FORK_AGENT_SERVER_URL", "http://agents.test:8000", "expected another one, or none"),
        ("AUTOMATION_AGENT_SERVER_URL", "http://me:hunter2@agents", "carries credentials"),
        ("AUTOMATION_AGENT_SERVER_URL", "http://169.254.169.254", "link-local"),
        ("AUTOMATION_AGENT_SERVER_API_KEY", "hunter2\nhunter2", "line breaks"),
        ("AUTOMATION_PATIENCE", "for ever", "a number of seconds"),
        ("BOT_LOG_FORMAT", "xml", "expected text or json"),
        ("BOT_DELIVERIES_SECONDS", "0", "a whole number, 1 or more"),
        ("BOT_MAX_RUNS", "0", "a whole number, 1 or more"),
        ("BOT_MAX_RUNS", "1e3", "a whole number"),
        ("BOT_MAX_RUNS_PER_REPOSITORY", "0", "a whole number, 1 or more"),
        ("BOT_MAX_RUNS_PER_SERVER", "-3", "a whole number, 1 or more"),
        ("BOT_RUNS_PER_USER_HOUR", "-1", "a whole number"),
        ("BOT_RUNS_PER_PULL_HOUR", "many", "a whole number"),
        ("BOT_RUNS_PER_REPOSITORY_HOUR", "1.5", "a whole number"),
    ],
    ids=lambda text: text.partition("\n")[0].replace(KEY, "KEY"),
)
def test_each_that_is_wrong_is_named_alone(name: str, value: str, expected: str) -> None:
    [complaint] = complaints(environment(**{name: value}))
    assert expected in complaint
    assert name in complaint


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=60).filter(lambda text: "\0" not in text)))
def test_wild_values_are_complained_about_and_nothing_else(given: dict[str, str]) -> None:
    _, said = BotSettings.examine(given)
    assert all(line.startswith(("BOT_", "AUTOMATION_", "OPENHANDS_API_KEY: ")) for line in said)


def test_may_lack() -> None:
    found = BotSettings.from_environment({}, may_lack=GOOD)
    assert found == BotSettings()


def test_what_can_be_used_is_there_although_something_else_is_wrong() -> None:
    found, said = BotSettings.examine(environment(BOT_PUBLIC_URL="nonsense"))
    assert (found.app_id, found.public_url, len(said)) == (123, "", 1)


@pytest.mark.parametrize(
    "mangle",
    [
        lambda pem: pem,
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: "\n".join(f"    {line}" for line in pem.splitlines()),
    ],
    ids=["as it is", "on one line", "with carriage returns", "indented"],
)
def test_a_private_key_as_people_paste_it(mangle: object) -> None:
    assert callable(mangle)
    assert read(BOT_GITHUB_PRIVATE_KEY=mangle(PEM)).private_key == PEM.strip()


def test_a_private_key_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    found = read(BOT_GITHUB_PRIVATE_KEY=None, BOT_GITHUB_PRIVATE_KEY_PATH=str(path))
    assert found.private_key == PEM.strip()


def test_a_private_key_in_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"hunter2\xff" * 9)
    for wrong, expected in (
        (path, "RSA key"),
        (tmp_path, "cannot be read"),
        (tmp_path / "no", "No such file"),
    ):
        given = environment(BOT_GITHUB_PRIVATE_KEY=None) | {"BOT_GITHUB_PRIVATE_KEY_PATH": str(wrong)}
        [complaint] = complaints(given)
        assert complaint.startswith("BOT_GITHUB_PRIVATE_KEY_PATH: ")
        assert expected in complaint


def test_the_key_of_one_fork_server_is_not_sent_to_another_one() -> None:
    automations = {
        "AUTOMATION_FORK_AGENT_SERVER_URL": "http://one",
        "AUTOMATION_FORK_AGENT_SERVER_API_KEY": "key-of-one",
    }
    assert read(**automations).core.fork_agent_server_api_key == "key-of-one"
    found = read(**automations, BOT_FORK_AGENT_SERVER_URL="http://two")
    assert (found.core.fork_agent_server_url, found.core.fork_agent_server_api_key) == ("http://two", "")
    [complaint] = complaints(environment(BOT_FORK_AGENT_SERVER_API_KEY="key-of-none"))
    assert complaint.startswith("BOT_FORK_AGENT_SERVER_URL: is not set; ")


@pytest.mark.parametrize(
    ("api_url", "url"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
        ("https://ghe.example.com/api/v3", "https://ghe.example.com"),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
    ],
)
def test_where_people_see_github(api_url: str, url: str) -> None:
    assert read(BOT_GITHUB_API_URL=api_url).github_url == url


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading of the bot's README."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, flags=re.MULTILINE | re.DOTALL)
    assert found, f"bot/README.md has no section {title!r}"
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_readme_has_every_setting_with_its_default() -> None:
    table = {name: row for row in rows("Settings") for name in re.findall(r"`([A-Z_]+)`", row[0])}
    assert set(table) == set(NAMES)
    defaults = {
        settings.GITHUB_API_URL: settings.GITHUB_DOT_COM,
        settings.DATABASE_URL: settings.DEFAULT_DATABASE,
        settings.DELIVERIES_SECONDS: 60,
        settings.LOG_FORMAT: LogFormat.TEXT,
        settings.MAX_RUNS: Caps.runs,
        settings.MAX_RUNS_PER_REPOSITORY: Caps.at_once_per_repository,
        settings.MAX_RUNS_PER_SERVER: Caps.at_once_per_server,
        settings.RUNS_PER_USER_HOUR: Caps.per_user,
        settings.RUNS_PER_PULL_HOUR: Caps.per_pull,
        settings.RUNS_PER_REPOSITORY_HOUR: Caps.per_repository,
        core.PATIENCE_SECONDS: f"{Settings.patience:g}",
        core.CLOUD_API_URL: PUBLIC_URL,
        core.CLOUD_AUTH: CloudAuth.BEARER,
        core.CLOUD_DEDICATED: "false",
    }
    needed = {line.partition(":")[0] for line in complaints({})} | {settings.PRIVATE_KEY_PATH, SECRET_KEY}
    for name, row in table.items():
        if name in needed:
            assert row[1] == "needed", name
        else:
            assert row[1] == (f"`{defaults[name]}`" if name in defaults else "none"), name


def test_the_readme_has_every_permission_and_event() -> None:
    assert {row[0].strip("`"): row[1] for row in rows("Permissions, and why")} == PERMISSIONS
    section = README.partition("## Permissions, and why")[2].partition("\n## ")[0]
    assert all(f"`{event}`" in section for event in EVENTS)


class TestCloud:
    def test_takes_the_place_of_an_agent_server(self) -> None:
        found = read(
            AUTOMATION_AGENT_SERVER_URL=None,
            OPENHANDS_API_KEY="the-cloud-key",
            AUTOMATION_CLOUD_AUTH="session-key",
        )
        assert found.core.is_cloud_mode
        assert found.core.cloud_account().headers == {"X-Session-API-Key": "the-cloud-key"}
        assert "the-cloud-key" in found.secrets
        assert "the-cloud-key" not in repr(found)

    def test_comes_after_an_agent_server(self) -> None:
        assert not read(OPENHANDS_API_KEY="the-cloud-key").core.is_cloud_mode

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("AUTOMATION_CLOUD_AUTH", "basic", "expected bearer or session-key"),
            ("AUTOMATION_CLOUD_DEDICATED", "perhaps", "is neither true nor false"),
            ("AUTOMATION_CLOUD_API_URL", "ftp://cloud.example", "is not an http or https address"),
            ("AUTOMATION_CLOUD_API_URL", "http://169.254.169.254", "link-local"),
            ("OPENHANDS_API_KEY", "hunter two", "has spaces"),
        ],
    )
    def test_each_that_is_wrong_is_named_alone(self, name: str, value: str, said: str) -> None:
        [complaint] = complaints(environment(**{name: value}))
        assert complaint.startswith(f"{name}: ")
        assert said in complaint
        assert "hunter" not in complaint

"""The bot's settings from the environment, all judged at once.

Every mistake is named in one `Misconfigured`, one per line, with what was expected. No value is ever quoted: any
variable may hold a secret that somebody meant for another one. The core's settings (`AUTOMATION_AGENT_SERVER_URL`
and its like) are read beside these, and judged with them.
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from automation import settings as core
from automation.errors import Misconfigured
from automation.settings import Settings
from bot.caps import Caps
from bot.log import LogFormat
from bot.telemetry import PREFIX, secrets_of
from bot.variables import Variables
from bot.vault import SECRET_KEY, is_key

APP_ID: Final = "BOT_GITHUB_APP_ID"
PRIVATE_KEY: Final = "BOT_GITHUB_PRIVATE_KEY"
PRIVATE_KEY_PATH: Final = "BOT_GITHUB_PRIVATE_KEY_PATH"
WEBHOOK_SECRET: Final = "BOT_WEBHOOK_SECRET"  # noqa: S105  # the setting's name
GITHUB_API_URL: Final = "BOT_GITHUB_API_URL"
PUBLIC_URL: Final = "BOT_PUBLIC_URL"
DATABASE_URL: Final = "BOT_DATABASE_URL"
OPERATOR_TOKEN: Final = "BOT_OPERATOR_TOKEN"  # noqa: S105  # the setting's name
FORK_URL: Final = "BOT_FORK_AGENT_SERVER_URL"
FORK_KEY: Final = "BOT_FORK_AGENT_SERVER_API_KEY"
DELIVERIES_SECONDS: Final = "BOT_DELIVERIES_SECONDS"
LOG_FORMAT: Final = "BOT_LOG_FORMAT"
MAX_RUNS: Final = "BOT_MAX_RUNS"
MAX_RUNS_PER_REPOSITORY: Final = "BOT_MAX_RUNS_PER_REPOSITORY"
MAX_RUNS_PER_SERVER: Final = "BOT_MAX_RUNS_PER_SERVER"
RUNS_PER_USER_HOUR: Final = "BOT_RUNS_PER_USER_HOUR"
RUNS_PER_PULL_HOUR: Final = "BOT_RUNS_PER_PULL_HOUR"
RUNS_PER_REPOSITORY_HOUR: Final = "BOT_RUNS_PER_REPOSITORY_HOUR"

NAMES: Final = (
    APP_ID,
    PRIVATE_KEY,
    PRIVATE_KEY_PATH,
    WEBHOOK_SECRET,
    GITHUB_API_URL,
    PUBLIC_URL,
    DATABASE_URL,
    SECRET_KEY,
    OPERATOR_TOKEN,
    FORK_URL,
    FORK_KEY,
    DELIVERIES_SECONDS,
    LOG_FORMAT,
    MAX_RUNS,
    MAX_RUNS_PER_REPOSITORY,
    MAX_RUNS_PER_SERVER,
    RUNS_PER_USER_HOUR,
    RUNS_PER_PULL_HOUR,
    RUNS_PER_REPOSITORY_HOUR,
    core.AGENT_SERVER_URL,
    core.AGENT_SERVER_API_KEY,
    core.FORK_AGENT_SERVER_URL,
    core.FORK_AGENT_SERVER_API_KEY,
    core.CLOUD_API_URL,
    core.CLOUD_API_KEY,
    core.CLOUD_AUTH,
    core.CLOUD_SANDBOX_SPEC,
    core.CLOUD_DEDICATED,
    core.PATIENCE_SECONDS,
)
"""Every setting that the bot reads."""

GITHUB_DOT_COM: Final = "https://api.github.com"
DEFAULT_DATABASE: Final = "sqlite:///automation-bot.sqlite3"

SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SHORTEST_PASSWORD: Final = 6
"""Characters; a shorter one would be found in too many words, and anybody could guess it."""


@dataclass(frozen=True)
class BotSettings:
    """What a bot is started with.

    Attributes:
        app_id: the App's number.
        github_api_url, public_url: without a trailing slash.
        secret_keys: for `bot.vault.Vault`; the first one seals.
        operator_token: empty where the operator's page is switched off.
        deliveries_seconds: between two readings of what GitHub has sent, for what was missed.
        core: the agent-server, and the one that is set aside for forks.
        telemetry: the variables of OpenTelemetry, as they are.
    """

    app_id: int = 0
    private_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    github_api_url: str = GITHUB_DOT_COM
    public_url: str = ""
    database_url: str = DEFAULT_DATABASE
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    operator_token: str = field(default="", repr=False)
    deliveries_seconds: int = 60
    log_format: LogFormat = LogFormat.TEXT
    core: Settings = field(default_factory=Settings)
    caps: Caps = field(default_factory=Caps)
    telemetry: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, may_lack: Collection[str] = ()
    ) -> Self:
        """What the variables say.

        Args:
            may_lack: names of settings that need not be there although they are needed to serve.

        Raises:
            Misconfigured: names everything that is missing or wrong, one per line.
        """
        settings, complaints = cls.examine(environment, may_lack=may_lack)
        if complaints:
            raise Misconfigured("\n".join(complaints))
        return settings

    @classmethod
    def examine(
        cls, environment: Mapping[str, str], *, may_lack: Collection[str] = ()
    ) -> tuple[Self, list[str]]:
        """What of the variables can be used, and a sentence for each that is missing or wrong."""
        given = Variables(environment, NAMES, may_lack)
        settings = cls(
            app_id=given.needed_number(APP_ID, "the number of the GitHub App, such as 123456"),
            private_key=given.private_key(PRIVATE_KEY, PRIVATE_KEY_PATH),
            webhook_secret=given.needed_secret(WEBHOOK_SECRET),
            github_api_url=given.url(GITHUB_API_URL, default=GITHUB_DOT_COM),
            public_url=given.url(PUBLIC_URL),
            database_url=_database_url(given),
            secret_keys=_secret_keys(given),
            operator_token=given.secret(OPERATOR_TOKEN),
            deliveries_seconds=given.number(DELIVERIES_SECONDS, cls.deliveries_seconds),
            log_format=given.choice(LOG_FORMAT, cls.log_format),
            core=_core(given),
            caps=Caps(
                runs=given.number(MAX_RUNS, Caps.runs),
                at_once_per_repository=given.number(MAX_RUNS_PER_REPOSITORY, Caps.at_once_per_repository),
                at_once_per_server=given.number(MAX_RUNS_PER_SERVER, Caps.at_once_per_server),
                per_user=given.number(RUNS_PER_USER_HOUR, Caps.per_user),
                per_pull=given.number(RUNS_PER_PULL_HOUR, Caps.per_pull),
                per_repository=given.number(RUNS_PER_REPOSITORY_HOUR, Caps.per_repository),
            ),
            telemetry={name: value for name, value in environment.items() if name.startswith(PREFIX)},
        )
        return settings, given.complaints

    @property
    def database_path(self) -> Path | None:
        """The SQLite file, None for another database."""
        is_file = self.database_url.startswith(SQLITE)
        return Path(self.database_url.removeprefix(SQLITE)) if is_file else None

    @property
    def database_name(self) -> str:
        """Where the database is, without who uses it and by which password."""
        return re.sub("//[^/]*@", "//", self.database_url.partition("?")[0])

    @property
    def _database_password(self) -> str:
        found = re.match("[^:]*://[^/:@]*:([^/@]*)@", self.database_url)
        password = unquote(found[1]) if found else ""
        return password if len(password) >= _SHORTEST_PASSWORD else ""

    @property
    def github_url(self) -> str:
        """Where people see GitHub, without a trailing slash.

        Source: https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
        """
        parts = urlsplit(self.github_api_url)
        return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"

    @property
    def secrets(self) -> list[str]:
        """Every value that must appear in nothing that is written."""
        values = (
            self.private_key,
            self.webhook_secret,
            *self.secret_keys,
            self.operator_token,
            self._database_password,
            self.core.agent_server_api_key,
            self.core.fork_agent_server_api_key,
            self.core.cloud_api_key,
            *secrets_of(self.telemetry),
        )
        return [value for value in values if value]


def _database_url(given: Variables) -> str:
    value = given.text(DATABASE_URL) or DEFAULT_DATABASE
    path = value.removeprefix(SQLITE)
    if value.startswith("postgres") and _is_postgresql(value):
        return value
    if value.startswith("postgres"):
        expected = "expected postgresql://user:password@host:5432/database"
        given.refuse(DATABASE_URL, f"{expected}, with the password before the @ and %-escapes in it")
    elif not value.startswith(SQLITE) or not path.isprintable() or path[:1] in {"", ":"} or "?" in path:
        given.refuse(
            DATABASE_URL,
            f"expected a SQLite file, such as {DEFAULT_DATABASE} or sqlite:////data/automation-bot.sqlite3, or "
            "postgresql://user:password@host:5432/database",
        )
    else:
        return value
    return DEFAULT_DATABASE


def _is_postgresql(value: str) -> bool:
    from sqlalchemy import make_url  # noqa: PLC0415  # heavy, and only those who use it need it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url, parts = make_url(value), urlsplit(value)
        reads_the_same = (parts.hostname, parts.port) == (url.host and url.host.lower(), url.port)
    except (ArgumentError, ValueError):
        return False
    # What stands behind a second @ would be shown as the host's name.
    is_plain = value.isascii() and value.isprintable() and " " not in value and value.count("@") <= 1
    hides_nothing = not {"password", "passfile", "service"} & url.query.keys()
    names = url.host, url.database
    has_names = all(names) and not any(set(name) & set("/#?") for name in names if name)
    return url.drivername in _POSTGRESQL and is_plain and hides_nothing and has_names and reads_the_same


def _secret_keys(given: Variables) -> tuple[str, ...]:
    expected = "a key as `automation-bot new-key` prints it, or several with commas between them"
    text = given.needed(SECRET_KEY, expected)
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if text and not (keys and all(is_key(key) for key in keys)):
        given.refuse(SECRET_KEY, f"expected {expected}")
        return ()
    return keys


def _core(given: Variables) -> Settings:
    url_name, key_name = core.FORK_AGENT_SERVER_URL, core.FORK_AGENT_SERVER_API_KEY
    if given.text(FORK_URL) or given.text(FORK_KEY):
        # The key of one server is not sent to another one.
        url_name, key_name = FORK_URL, FORK_KEY
    read = _read(given)
    if not (read.cloud_api_url or read.cloud_api_key):
        expected = "the agent-server's URL, such as http://127.0.0.1:8000"
        given.needed(core.AGENT_SERVER_URL, f"{expected}, or {core.CLOUD_API_KEY} for Cloud sandboxes")
    settings = replace(
        read,
        agent_server_url=given.server_url(core.AGENT_SERVER_URL),
        agent_server_api_key=given.key(core.AGENT_SERVER_API_KEY),
        fork_agent_server_url=given.server_url(url_name),
        fork_agent_server_api_key=given.key(key_name),
    )
    if given.text(key_name) and not given.text(url_name):
        given.refuse(url_name, f"is not set; expected the URL of the server that {key_name} is for")
    if settings.fork_agent_server_url and settings.fork_agent_server_url == settings.agent_server_url:
        given.refuse(
            url_name,
            f"is the server of {core.AGENT_SERVER_URL}; expected another one, or none: "
            "the code of forks must not meet what is on that server",
        )
    return settings


def _read(given: Variables) -> Settings:
    """The core's settings as it reads them; what it refuses is said of the variable that it is about."""
    environment = dict(given.environment)
    for _ in range(len(NAMES)):
        try:
            settings = Settings.from_environment(environment)
            settings.cloud_account()
        except Misconfigured as error:
            name = next((each for each in NAMES if error.sentence.startswith(f"{each} ")), "")
            if not name:
                is_key = "API key" in error.sentence
                name = core.CLOUD_API_KEY if is_key else core.CLOUD_API_URL
            is_patience = name == core.PATIENCE_SECONDS
            said = "expected a number of seconds, 0 or more" if is_patience else error.sentence
            given.refuse(name, said.removeprefix(f"{name} "))
            environment.pop(name, None)
        else:
            return settings
    return Settings()

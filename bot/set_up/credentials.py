"""What set-up leaves on disk: the App's private key and a file of settings, both for this user only.

Nothing is overwritten: a second App would lock the first one's key away for good.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from automation import settings as core
from automation.errors import Misconfigured
from bot import settings
from bot.env_file import env_line, write_private
from bot.set_up.conversion import NewApp
from bot.vault import SECRET_KEY, new_key

ENV_FILE: Final = "automation-bot.env"
KEY_FILE: Final = "automation-bot.private-key.pem"
PLACES: Final = (core.AGENT_SERVER_URL, core.CLOUD_API_KEY, core.CLOUD_API_URL)
DATABASE: Final = "automation-bot.sqlite3"


@dataclass(frozen=True)
class Place:
    """The directory that credentials are written to."""

    directory: Path

    @property
    def env_file(self) -> Path:
        return self.directory / ENV_FILE

    @property
    def key_file(self) -> Path:
        return self.directory / KEY_FILE

    def prepare(self) -> None:
        """Make sure, before there is anything to lose, that it can be written.

        Raises:
            Misconfigured: it cannot, or there are credentials in it.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"{self.directory} cannot be made ({_words(error)})") from None
        for path in (self.env_file, self.key_file):
            if path.exists():
                raise Misconfigured(
                    f"{path} is there already and is not overwritten; move it away, or give another --output"
                )
        write_private(self.env_file, "")
        self.env_file.unlink()

    def write(self, app: NewApp, given: Mapping[str, str]) -> None:
        """Write the key, then the settings, with new secrets of the bot's own among them.

        Args:
            given: settings that were known before; blank ones are left out.

        Raises:
            Misconfigured: the directory does not take them.
        """
        lines = {
            settings.APP_ID: str(app.app_id),
            settings.PRIVATE_KEY_PATH: str(self.key_file.resolve()),
            settings.WEBHOOK_SECRET: app.webhook_secret,
            settings.DATABASE_URL: f"sqlite:///{(self.directory / DATABASE).resolve()}",
            SECRET_KEY: new_key(),
            settings.OPERATOR_TOKEN: secrets.token_urlsafe(32),
            **given,
        }
        text = (
            f"# Settings of automation-bot for the GitHub App {app.slug}; made by `automation-bot setup`.\n"
        )
        text += "".join(env_line(name, value) for name, value in lines.items() if value)
        if not any(lines.get(name) for name in PLACES):
            text += f"# The agent-server that runs go to:\n#{core.AGENT_SERVER_URL}=http://127.0.0.1:8000\n"
            text += f"#{core.AGENT_SERVER_API_KEY}=\n# Or a Cloud, in whose sandboxes they take place:\n#{core.CLOUD_API_KEY}=\n"
        write_private(self.key_file, app.private_key.rstrip("\n") + "\n")
        write_private(self.env_file, text)


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__

"""The database's versions, one after the other, and the way to the newest.

Each module in `versions` is a step, named in the table `alembic_version` once it has been made. All steps are made
in one transaction. A step is never edited after a release: the next one changes what it left.

Source: https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from automation.errors import Misconfigured


def migrate(connection: Connection) -> None:
    """Bring the database up to date, in the transaction of this connection.

    Raises:
        Misconfigured: it was made by a newer bot.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    there = MigrationContext.configure(connection).get_current_revision()
    if there == scripts.get_current_head():
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if there is not None and there not in known:
        raise Misconfigured(
            "BOT_DATABASE_URL: the database was made by a newer version of the bot. Run that version, or restore "
            "the copy from before the upgrade"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

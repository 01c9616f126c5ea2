"""The database's one error, and the name of its setting."""

from typing import Final

from automation.errors import AutomationError
from automation.reasons import Reason

SETTING: Final = "BOT_DATABASE_URL"
"""The setting that names the database."""


class DatabaseUnavailable(AutomationError):
    """The database cannot be read or written now: locked, full, damaged, away.

    Nothing of the transaction is there, unless the connection was lost while it was being committed: then nobody
    knows, and whoever tries again has to find what he has done.
    """

    reason = Reason.INTERNAL_ERROR

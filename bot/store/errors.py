"""What the database says no with."""

from automation.errors import AutomationError
from automation.reasons import Reason


class DatabaseUnavailable(AutomationError):
    """The database cannot be read or written now: locked, full, damaged. Nothing of the transaction is there."""

    reason = Reason.INTERNAL_ERROR

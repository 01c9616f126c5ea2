"""What looks after check runs of ours that nobody looks after any more."""

from bot.watchdog.pending_checks import PendingChecks

__all__ = ["PendingChecks"]

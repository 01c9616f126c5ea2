"""What the bot remembers: deliveries, requests, runs and what belongs to them, in one database."""

from bot.store.database import Database
from bot.store.errors import DatabaseUnavailable

__all__ = ["Database", "DatabaseUnavailable"]

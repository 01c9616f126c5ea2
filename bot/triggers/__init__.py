"""What starts by itself: whether an event is one that an automation's trigger waits for."""

from bot.triggers.matching import matches, problems

__all__ = ["matches", "problems"]

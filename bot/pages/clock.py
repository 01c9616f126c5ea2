"""Times and spans as a page shows them. Pure."""

from datetime import UTC, datetime

from automation.verdict import duration

MINUTE, HOUR, DAY = 60, 3600, 86400


def stamp(at: float) -> str:
    """A Unix time in seconds: `2026-11-23 07:13:02 UTC`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def machine_stamp(at: float) -> str:
    """The same for `<time datetime>`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def age(seconds: float) -> str:
    """How long ago, roughly: `just now`, `5 min ago`, `3 h ago`, `12 days ago`."""
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min ago"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR:.0f} h ago"
    return f"{seconds // DAY:.0f} days ago"


def span(seconds: float) -> str:
    """How long, for people; a clock that was set back makes it nothing, not less."""
    return duration(max(0, seconds))

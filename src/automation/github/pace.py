"""How often a check run is edited while its run goes on. Pure."""

OFTEN_FOR = 120.0
"""Seconds at the beginning of a run in which somebody is likely to watch."""
OFTEN = 15.0
"""Seconds between two edits then, SELDOM: afterwards."""
SELDOM = 60.0


def pause_before_update(elapsed: float) -> float:
    """Seconds to leave between two edits, for a run that has been going on for `elapsed` seconds.

    A job's token has 1 000 requests an hour for the whole repository; a run of half an hour takes 36 of them.

    Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    return OFTEN if elapsed < OFTEN_FOR else SELDOM

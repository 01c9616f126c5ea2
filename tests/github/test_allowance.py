"""What an answer says of GitHub's limits."""

from collections.abc import Mapping

import pytest

from automation.github.allowance import UNSAID, Allowance

NOW = "Mon, 30 Nov 2026 08:00:00 GMT"
AT = 1796025600
"""The same in Unix time."""
COUNTED = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4000", "x-ratelimit-reset": str(AT + 600)}
SPENT = {**COUNTED, "x-ratelimit-remaining": "0"}
SAID = "You have exceeded a secondary rate limit."


@pytest.mark.parametrize(
    ("status", "headers", "said", "told"),
    [
        (200, {}, "", Allowance()),
        (200, COUNTED, "", Allowance(5000, 4000, 600)),
        (304, COUNTED, "", Allowance(5000, 4000, 600)),
        (404, COUNTED, "", Allowance(5000, 4000, 600)),
        (200, {**COUNTED, "x-ratelimit-resource": "core"}, "", Allowance(5000, 4000, 600)),
        # Counted apart: nothing follows for the rest.
        (200, {**COUNTED, "x-ratelimit-resource": "graphql"}, "", Allowance(None, None, 600)),
        # The last one that was allowed closes nothing by itself.
        (200, SPENT, "", Allowance(5000, 0, 600)),
        (403, SPENT, "", Allowance(5000, 0, 600, 600)),
        (429, SPENT, "", Allowance(5000, 0, 600, 600)),
        (403, COUNTED, "Resource not accessible by integration", Allowance(5000, 4000, 600)),
        (403, {**COUNTED, "retry-after": "2"}, SAID, Allowance(5000, 4000, 600, 2)),
        (429, {"retry-after": "30"}, "", Allowance(None, None, 0, 30)),
        (403, {**SPENT, "retry-after": "2"}, SAID, Allowance(5000, 0, 600, 2)),
        (403, {}, SAID, Allowance(None, None, 0, UNSAID)),
        # A server's trouble is no limit.
        (503, {"retry-after": "7"}, "", Allowance()),
        (200, {"x-ratelimit-limit": "many", "x-ratelimit-remaining": "-"}, "", Allowance()),
        (200, {**COUNTED, "x-ratelimit-reset": str(AT - 5)}, "", Allowance(5000, 4000, 0)),
    ],
)
def test_what_it_says(status: int, headers: Mapping[str, str], said: str, told: Allowance) -> None:
    assert Allowance.read(status, {"date": NOW, **headers}, said) == told


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 08:00:00 GMT"])
def test_without_githubs_clock_ours_has_to_do(date: str) -> None:
    headers = {**SPENT, "date": date, "x-ratelimit-reset": "5"}
    assert Allowance.read(403, headers) == Allowance(5000, 0, 0, 1)

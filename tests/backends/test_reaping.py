"""Deleted is only what is proved to be ours, and nobody's any more."""

from typing import Any

import pytest

from automation.backends.reaping import YOUNG, Known, Standing, standing

ID = "18HWllHllep3I8qTJu7S8s"
OLD = YOUNG + 1
BARE: dict[str, Any] = {
    "mark": "",
    "is_ours": False,
    "is_live": False,
    "is_kept": False,
    "is_over": False,
    "age": OLD,
    "is_dedicated": False,
}
OURS = {"mark": "cli:ours", "is_ours": True}
OVER = {"mark": "bot:another", "is_over": True}


@pytest.mark.parametrize(
    ("known", "facts", "expected"),
    [
        (Known(), {}, Standing.UNKNOWN),
        (Known(), {"mark": None}, Standing.UNKNOWN),
        (Known(), {"mark": "bot:another"}, Standing.ANOTHERS),
        (Known(), OURS, Standing.ABANDONED),
        (Known(), OURS | {"is_live": True}, Standing.IN_USE),
        (Known(live={ID}), {}, Standing.IN_USE),
        (Known(live={ID}), {"mark": None, "is_dedicated": True}, Standing.IN_USE),
        (Known(kept={ID}), OURS, Standing.KEPT),
        (Known(), OURS | {"is_kept": True}, Standing.KEPT),
        (Known(), {"mark": "bot:another", "is_kept": True}, Standing.ANOTHERS),
        (Known(), OVER, Standing.ABANDONED),
        (Known(), OVER | {"is_kept": True}, Standing.KEPT),
        (Known(live={ID}), OVER, Standing.IN_USE),
        (Known(left={ID}), {}, Standing.ABANDONED),
        (Known(left={ID}), {"mark": None}, Standing.ABANDONED),
        (Known(left={"another"}), {}, Standing.UNKNOWN),
        (Known(), {"is_dedicated": True}, Standing.ABANDONED),
        (Known(), {"is_dedicated": True, "age": YOUNG}, Standing.UNKNOWN),
        (Known(), {"is_dedicated": True, "mark": None}, Standing.UNKNOWN),
        (Known(), {"is_dedicated": True, "mark": "bot:another"}, Standing.ANOTHERS),
    ],
)
def test_where_a_sandbox_stands(known: Known, facts: dict[str, Any], expected: Standing) -> None:
    assert standing(ID, known, **(BARE | facts)) is expected

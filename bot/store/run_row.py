"""A run as a row and back. Pure.

A field of `Run` that the table has a column for stands there; every other one stands in `detail`. So a new field
needs neither a column nor a migration: rows from before it have its default, and an older version of the bot, which
may drive the run for a while, keeps what it does not know.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import TypeAdapter

from bot.runs.run import Run
from bot.store.column import fit
from bot.store.schema import runs

DAY = 24 * 60 * 60
FIXED: Final = frozenset({"id", "request", "epoch", "driver", "stop_by", "stop_cause"})
"""What saving a run does not write: whose row it is, and what others say to its driver."""

_NAMES: Final = frozenset(each.name for each in fields(Run)) - {"unknown"}
_COLUMNS: Final = _NAMES & set(runs.c.keys())
_RUN: Final = TypeAdapter(Run)

type Row = dict[str, Any]


def row_of(run: Run) -> Row:
    """All columns but the request's."""
    whole = {name: fit(value) for name, value in _RUN.dump_python(run, mode="json").items()}
    return {name: whole[name] for name in _COLUMNS} | {
        "day": int(run.accepted_at // DAY),
        "conclusion": str(run.end.conclusion) if run.end else "",
        "reason": str(run.end.reason) if run.end else "",
        "detail": json.dumps(
            whole["unknown"] | {name: whole[name] for name in _NAMES - _COLUMNS}, ensure_ascii=False
        ),
    }


def run_of(row: Mapping[str, Any]) -> Run:
    detail = json.loads(row["detail"])
    unknown = {name: detail.pop(name) for name in detail.keys() - _NAMES}
    return _RUN.validate_python(detail | {name: row[name] for name in _COLUMNS} | {"unknown": unknown})

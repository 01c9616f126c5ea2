"""What operators watch says how runs ended and how many there are now."""

import re
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families

from automation.reasons import Conclusion, Reason
from bot.metrics import Metrics
from bot.runs.run import End, Run, State

RUN = Run(uuid4(), "octo/demo", 1, "hello", "hello", "d" * 40, "e" * 40)
OPERATING = (Path(__file__).parents[2] / "bot/OPERATING.md").read_text(encoding="utf-8")


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    found = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value for family in found for sample in family.samples
    }


def test_ends_are_counted_by_what_they_were() -> None:
    metrics = Metrics()
    for conclusion, reason in (
        (Conclusion.SUCCESS, Reason.OK),
        (Conclusion.SUCCESS, Reason.OK),
        (Conclusion.FAILURE, Reason.EXIT_CODE),
    ):
        end = End(conclusion, reason, "so it was")
        metrics.ended(replace(RUN, end=end, accepted_at=100, started_at=103, ended_at=120))
    shown = samples(metrics)
    assert shown["automation_bot_run_seconds_bucket", "success", "10.0"] == 0
    assert shown["automation_bot_run_seconds_bucket", "success", "30.0"] == 2
    assert shown["automation_bot_run_seconds_sum", "failure"] == 20
    assert shown["automation_bot_run_wait_seconds_sum",] == 9
    assert shown["automation_bot_runs_ended_total", "success", "ok"] == 2
    assert shown["automation_bot_runs_ended_total", "failure", "exit-code"] == 1


def test_states_are_what_they_are_now() -> None:
    metrics = Metrics()
    metrics.states({State.QUEUED: 3, State.RUNNING: 1})
    metrics.states({State.RUNNING: 2})
    shown = {key[1]: value for key, value in samples(metrics).items() if key[0] == "automation_bot_runs"}
    assert shown == {"queued": 0, "starting": 0, "running": 2, "concluding": 0}


def test_two_bots_of_a_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.defects.labels("drive").inc()
    assert ("automation_bot_defects_total", "drive") in samples(one)
    assert ("automation_bot_defects_total", "drive") not in samples(other)


def test_every_metric_is_in_the_table_of_what_to_watch() -> None:
    metrics = Metrics().text().decode()
    names = {
        family.name
        for family in text_string_to_metric_families(metrics)
        if not family.name.endswith("_created")
    }
    section = OPERATING.partition("## What to watch")[2].partition("\n## ")[0]
    said = re.findall(r"^\| `automation_bot_([a-z_]+)`", section, re.MULTILINE)
    assert sorted(f"automation_bot_{name}" for name in said) == sorted(names)

"""What operators watch says how runs ended and how many there are now."""

from prometheus_client.parser import text_string_to_metric_families

from automation.reasons import Conclusion, Reason
from bot.metrics import Metrics
from bot.runs.run import End, State


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
        metrics.ended(End(conclusion, reason, "so it was"))
    shown = samples(metrics)
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

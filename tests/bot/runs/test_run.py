"""What follows from a run, or from several, without asking anybody."""

from uuid import uuid4

from bot.runs.run import Run, newest_by_automation


def a_run(automation: str) -> Run:
    return Run(uuid4(), "octo/demo", 1, automation, automation, "d" * 40, "e" * 40)


def test_of_each_automation_the_newest_counts() -> None:
    lint, review = a_run("lint"), a_run("review")
    runs = [lint, review, a_run("lint"), a_run("review")]
    assert list(newest_by_automation(runs).items()) == [("lint", lint), ("review", review)]
    assert newest_by_automation(iter(())) == {}

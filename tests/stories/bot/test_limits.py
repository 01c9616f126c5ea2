"""GitHub's limits: they are kept to, ends are told first, and what is only nice to have is what falls away."""

import re
import time

import httpx

from tests.bot_process import OPERATOR
from tests.fakes.github.meter import Meter
from tests.fakes.github.recording import Recorded
from tests.stories.bot.conftest import Demo
from tests.teller import eventually

RUNS = 10
FIRST = 11
"""Number of the first pull request."""
WAITS = """echo started
until [ -e {go} ]; do sleep 0.1; done
exit $((AUTOMATION_PR % 2))"""
TELLS = re.compile(r"/check-runs/\d+$|/issues/\d+/comments$")
MOST = 16
"""Requests of a run."""
OF_HELP = 8


def meter_of(demo: Demo) -> Meter:
    return demo.app.installations[0].meter


def waits(demo: Demo) -> None:
    """An automation that waits to be let go, and fails on pull requests of an odd number."""
    demo.automation(WAITS.format(go=demo.directory / "go"), "wait")


def let_go(demo: Demo) -> None:
    (demo.directory / "go").touch()


def counted(demo: Demo) -> list[Recorded]:
    """Requests by tokens of the installation."""
    return [each for each in demo.github.requests_of(demo.app) if each.path.startswith("/repos/")]


def concludes(request: Recorded) -> bool:
    return request.method == "PATCH" and "conclusion" in request.json


def is_of_an_end(request: Recorded) -> bool:
    """A conclusion, a look whether it is there after its answer was a refusal, or a run's last word."""
    return bool(TELLS.search(request.path))


async def metrics(demo: Demo) -> str:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{demo.bot.url}/metrics", headers={"authorization": f"Bearer {OPERATOR}"})
    return answer.text


async def ended(demo: Demo) -> bool:
    return "automation_bot_runs_ended_total" in (await metrics(demo))


async def test_a_secondary_limit_during_ten_runs_is_kept_to_and_then_the_ends_come_first(demo: Demo) -> None:
    waits(demo)
    pulls = [demo.pull(number) for number in range(FIRST, FIRST + RUNS)]
    for pull in pulls:
        demo.comment("/run-automation wait", number=pull.number)
    await eventually(lambda: [demo.output(run) for run in demo.runs()] == ["started\n"] * RUNS, 60)
    meter = meter_of(demo)
    meter.close(4)
    let_go(demo)
    await eventually(lambda: meter.closings != [], 20)
    before = len(counted(demo))
    demo.comment("/run-automation help", number=FIRST)
    for pull in pulls:
        check = await demo.concluded(pull.head, "wait", 60)
        check.is_("failure" if pull.number % 2 else "success")
    await demo.says("/run-automation", FIRST, 30)
    assert meter.refused == 1, "something was sent while GitHub wanted nothing"
    after = counted(demo)[before:]
    last = max(number for number, each in enumerate(after) if concludes(each))
    assert all(is_of_an_end(each) for each in after[:last]), [str(each) for each in after]
    assert len(counted(demo)) <= RUNS * MOST + OF_HELP


async def test_a_budget_that_is_spent_is_waited_for(demo: Demo) -> None:
    waits(demo)
    pull = demo.pull(FIRST)
    demo.comment("/run-automation wait", number=FIRST)
    await demo.running()
    meter = meter_of(demo)
    meter.leave(0, resets_in=3)
    let_go(demo)
    (await demo.concluded(pull.head, "wait")).is_("failure")
    await eventually(lambda: len(demo.said(FIRST)) == 1)
    assert meter.refused == 1


async def test_of_the_last_of_a_budget_starts_take_nothing_and_ends_what_they_need(demo: Demo) -> None:
    waits(demo)
    pull = demo.pull(FIRST)
    demo.comment("/run-automation wait", number=FIRST)
    await demo.running()
    meter = meter_of(demo)
    meter.leave(50, resets_in=8)
    let_go(demo)
    (await demo.concluded(pull.head, "wait")).is_("failure")
    resets_at = meter.reset_at
    demo.comment("/run-automation help", number=FIRST)
    await eventually(lambda: len(demo.said(FIRST)) == 1)
    assert time.time() < resets_at
    await eventually(lambda: len(demo.said(FIRST)) == 2)
    assert time.time() >= resets_at
    assert meter.refused == 0


async def test_with_little_left_nothing_cosmetic_is_sent(demo: Demo) -> None:
    meter_of(demo).leave(400, resets_in=1800)
    pull = demo.pull()
    comment = demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await demo.says("hello")
    await eventually(lambda: ended(demo))
    assert comment.reacted in ([], ["eyes"]), "only the first answer says how little is left"
    text = await metrics(demo)
    number = demo.app.installations[0].id
    left = 400 - len([each for each in counted(demo) if each.path != "/graphql"])
    assert f'automation_bot_github_remaining{{installation="{number}"}} {left}.0' in text
    assert 'automation_bot_github_requests_total{lane="end"}' in text

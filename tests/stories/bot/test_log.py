"""The log as a log store reads it: every line of a run can be found by its id, and by the delivery that asked for it."""

import json
import re
from typing import Any

from tests.bot_process import SECRET
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

ID = re.compile(r"\brun ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
SEVEN, EIGHT = 7, 8


def lines(demo: Demo) -> list[dict[str, Any]]:
    """All that are whole: each is an object."""
    return [json.loads(line) for line in demo.bot.log.split("\n")[:-1]]


def asked_by(demo: Demo, number: int) -> str:
    """The GUID of alice's comment on this pull request."""
    for each in demo.app.deliveries:
        payload = json.loads(each.body)
        is_comment = each.event == "issue_comment" and payload["issue"]["number"] == number
        if is_comment and payload["comment"]["user"]["login"] == "alice":
            return each.guid
    raise AssertionError(f"alice has not commented on {number}")


async def test_the_lines_of_a_run_carry_its_id_and_its_deliverys(begin: Begin) -> None:
    demo = await begin(BOT_LOG_FORMAT="json")
    demo.automation("echo started; sleep 2", "one")
    demo.automation("echo started; sleep 2; exit 3", "two")
    # Both have something to say on their way.
    demo.github.fault("POST", "/check-runs$", status=502, times=2)
    pulls = {number: demo.pull(number) for number in (SEVEN, EIGHT)}
    demo.comment("/run-automation one", number=SEVEN)
    demo.comment("/run-automation two", number=EIGHT)
    (await demo.concluded(pulls[SEVEN].head, "one")).is_("success")
    (await demo.concluded(pulls[EIGHT].head, "two")).is_("failure")

    def have_ended() -> bool:
        return sum(" ended: " in line["message"] for line in lines(demo)) == len(pulls)

    await eventually(have_ended)
    for line in lines(demo):
        if told := ID.search(line["message"]):
            is_request = line["message"].startswith("request ")
            assert line["repository"] == "octo/demo", line
            assert line.get("run") == (None if is_request else told[1]), line
            assert line["delivery"], line
    runs = set()
    for number, end in ((SEVEN, "success (ok)"), (EIGHT, "failure (exit-code)")):
        guid = asked_by(demo, number)
        mine = [line for line in lines(demo) if line.get("delivery") == guid]
        [run_id] = {line["run"] for line in mine if "run" in line}
        messages = [line["message"] for line in mine]
        assert any(message.startswith(f"run {run_id} accepted: ") for message in messages)
        assert any(message == f"run {run_id} ended: {end}" for message in messages)
        assert any(message.startswith("request ") for message in messages)
        runs.add(run_id)
    assert len(runs) == len(pulls)
    assert SECRET not in demo.bot.log


async def test_after_a_crash_the_lines_still_carry_the_delivery(begin: Begin) -> None:
    demo = await begin()
    demo.automation("echo started; sleep 2", "one")
    pull = demo.pull()
    demo.comment("/run-automation one")
    run_id = await demo.running()
    demo.bot.kill()
    await demo.bot.start()
    (await demo.concluded(pull.head, "one")).is_("success")
    words = f"delivery={asked_by(demo, SEVEN)} run={run_id} repository=octo/demo"
    ended = f"run {run_id} ended: success (ok) {words}"
    await eventually(lambda: ended in demo.bot.log)

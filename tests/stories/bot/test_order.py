"""What waits for what: comments of one pull request in their order, and nobody for anybody else's flood or the end."""

import asyncio
import time

from tests.stories.bot.conftest import Demo
from tests.teller import eventually

TRIGGER = {"type": "event", "source": "github", "on": "pull_request.synchronize"}
REPLACE = {"concurrency": {"policy": "replace"}}

FLOOD = 90


async def test_an_older_event_does_not_replace_a_newer_run(demo: Demo) -> None:
    """GitHub says no to the first event once: it is dealt with a second later, and what came after it waits."""
    demo.automation("echo started; sleep 20", "review", github=REPLACE, trigger=TRIGGER)
    pull = demo.pull()
    fault = demo.github.fault("GET", r"/commits/[^?]*main$", status=403, body={"message": "No"})
    pull.move(demo.branch("feature-7"))
    await eventually(lambda: fault.hits == 1, 10)
    pull.move(demo.branch("feature-7"))
    await eventually(lambda: demo.repository.checks(pull.head) != [], 20)
    await asyncio.sleep(2)
    assert [each.status for each in demo.repository.checks(pull.head)] == ["in_progress"]


async def test_a_flood_on_one_pull_request_holds_up_no_other(demo: Demo) -> None:
    mine = demo.pull(7)
    demo.pull(8)
    for _count in range(FLOOD):
        demo.comment("/run-automation help", "mallory", 8)
    demo.comment("/run-automation hello", "alice", 7)
    await eventually(lambda: bool(demo.repository.checks(mine.head)), 30)
    dealt_with = demo.bot.log.count("(issue_comment)")
    assert dealt_with < FLOOD, "it came after all of the flood"


async def test_asked_to_stop_it_does_not_wait_for_a_download(demo: Demo) -> None:
    pull = demo.pull()
    fault = demo.github.fault("GET", rf"/tarball/{pull.head}", delay=20, times=None)
    demo.comment("/run-automation hello")
    await eventually(lambda: fault.hits == 1, 20)
    began = time.monotonic()
    assert await demo.bot.terminate() == 0
    assert time.monotonic() - began < 7
    assert "Traceback" not in demo.bot.log

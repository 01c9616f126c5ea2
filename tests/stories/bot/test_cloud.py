"""A bot whose runs are in Cloud sandboxes: one for each, gone after it, whatever dies in between."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.fakes.cloud.cloud import Box, FakeCloud
from tests.servers import RealServer
from tests.stories.bot.conftest import Begin, Demo
from tests.stories.bot.test_gates import FORK
from tests.teller import eventually

SLOW = "echo started in $SANDBOX_ID; sleep 5; echo ended; exit 3"


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        server.cloud = cloud
        cloud.others()
        try:
            yield cloud
            assert [box.deleted_at for box in cloud.boxes if box.by != "us"] == [None]
        finally:
            server.cloud = None


@pytest.fixture
async def demo(cloud: FakeCloud, begin: Begin) -> Demo:
    return await begin()


def ours(cloud: FakeCloud) -> list[Box]:
    return [box for box in cloud.boxes if box.by == "us"]


async def gone(cloud: FakeCloud, within: float = 20) -> None:
    await eventually(lambda: cloud.left == [], within)


async def test_a_run_has_a_sandbox_of_its_own(demo: Demo, cloud: FakeCloud) -> None:
    demo.automation("echo in $SANDBOX_ID; echo ${OPENHANDS_API_KEY:-no key}", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    check = await demo.concluded(pull.head, "review")
    check.is_("success")
    [box] = ours(cloud)
    assert f"in {box.id}" in (check.text or "")
    assert "no key" in (check.text or "")
    await gone(cloud)
    assert f"backend cloud {cloud.url}, forks in sandboxes, too" in demo.bot.log
    assert cloud.key is not None
    assert cloud.key not in demo.bot.log


async def test_stopped_while_its_sandbox_starts(demo: Demo, cloud: FakeCloud) -> None:
    cloud.starts_in = 60
    pull = demo.pull()
    demo.comment("/run-automation hello")
    await eventually(lambda: len(ours(cloud)) == 1, 20)
    demo.comment("/run-automation cancel")
    (await demo.concluded(pull.head)).is_("cancelled")
    await gone(cloud)


async def test_stopped_while_it_runs(demo: Demo, cloud: FakeCloud) -> None:
    demo.automation("echo started; sleep 306", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    run_id = await demo.running()
    demo.comment("/run-automation cancel")
    (await demo.concluded(pull.head, "review")).is_("cancelled")
    await gone(cloud)
    assert demo.server.processes(run_id) == []


async def test_killed_in_mid_run_it_goes_on_in_the_same_sandbox(demo: Demo, cloud: FakeCloud) -> None:
    demo.automation(SLOW, "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    demo.bot.kill()
    cloud.rotate(ours(cloud)[0].id)
    await demo.bot.start()
    check = await demo.concluded(pull.head, "review", 40)
    check.is_("failure")
    assert "ended" in (check.text or "")
    assert len(ours(cloud)) == 1
    await gone(cloud)


@pytest.mark.parametrize("moment", [0.1, 0.3, 0.6, 1.0])
async def test_killed_at_any_moment_no_sandbox_is_left(demo: Demo, cloud: FakeCloud, moment: float) -> None:
    """But one that was asked for in the very moment: in an account that others use, too, it is only named."""
    cloud.starts_in = 0.4
    demo.automation("echo started; sleep 1; exit 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    demo.github.settle()
    await asyncio.sleep(moment)
    demo.bot.kill()
    await demo.bot.start()
    (await demo.concluded(pull.head, "review", 40)).is_("failure")
    assert len(demo.repository.checks(pull.head)) == 1
    await eventually(lambda: set(cloud.left) <= named(demo), 20)
    assert len(cloud.left) <= 1


def named(demo: Demo) -> set[str]:
    """Sandboxes that may be of a request whose answer was lost, as the log says."""
    said = re.findall(r"what it may have made is among these: ([\w, ]+?) delivery=", demo.bot.log)
    return {each for ids in said for each in ids.split(", ")}


async def test_killed_before_its_sandbox_is_known_and_stopped_before_it_goes_on(
    begin: Begin, cloud: FakeCloud
) -> None:
    """In an account that nothing else uses: the Cloud makes it when the bot has died."""
    for other in cloud.boxes:
        other.created_at -= 3600
    demo = await begin(AUTOMATION_CLOUD_DEDICATED="true")
    cloud.takes = 1
    pull = demo.pull()
    demo.comment("/run-automation hello")
    await eventually(lambda: "create" in {on for _, on, _ in cloud.calls}, 20)
    demo.bot.kill()
    cloud.takes = 0
    with closing(sqlite3.connect(demo.bot.home / "bot.sqlite3")) as database:
        database.execute("UPDATE runs SET stop_by = '@alice', stop_cause = 'cancelled'")
        database.commit()
    await eventually(lambda: len(ours(cloud)) == 1, 20)
    await demo.bot.start()
    (await demo.concluded(pull.head)).is_("cancelled")
    await gone(cloud)


async def test_a_deletion_that_fails_is_tried_again_after_the_end(demo: Demo, cloud: FakeCloud) -> None:
    cloud.fault("delete", status=401, body='{"detail":"no"}', times=1)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await gone(cloud, 40)
    assert "a sandbox is left for later" in demo.bot.log


async def test_what_only_carries_its_mark_is_deleted_at_the_next_start(demo: Demo, cloud: FakeCloud) -> None:
    """As after a database that came from an older back-up."""
    cloud.fault("delete", status=401, body='{"detail":"no"}', times=None)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    with closing(sqlite3.connect(demo.bot.home / "bot.sqlite3")) as database:
        states = "SELECT state FROM runs"
        await eventually(lambda: database.execute(states).fetchall() == [("ended",)], 20)
        demo.bot.kill()
        database.execute("DELETE FROM secrets")
        database.commit()
    cloud.clear_faults()
    await demo.bot.start()
    await gone(cloud)
    await eventually(lambda: "deleted: its run" in demo.bot.log)


async def test_one_that_is_to_stay_stays(demo: Demo, cloud: FakeCloud) -> None:
    demo.automation("echo hi", "review", keep_alive=True)
    pull = demo.pull()
    demo.comment("/run-automation review")
    (await demo.concluded(pull.head, "review")).is_("success")
    demo.bot.kill()
    await demo.bot.start()
    await eventually(lambda: "search" in {on for _, on, _ in cloud.calls}, 30)
    await asyncio.sleep(2)
    assert len(cloud.left) == 1


async def test_a_limit_is_said_on_the_check(demo: Demo, cloud: FakeCloud) -> None:
    body = '{"detail":{"error":"CONCURRENCY_LIMIT_REACHED"}}'
    cloud.fault("create", status=429, body=body, times=None)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    check = await demo.concluded(pull.head)
    check.is_("action_required")
    assert "concurrency limit" in (check.summary or "")


async def test_a_sandbox_that_is_gone_ends_its_run_at_once(demo: Demo, cloud: FakeCloud) -> None:
    demo.automation("echo started; sleep 20", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.running()
    cloud.forget(ours(cloud)[0].id)
    check = await demo.concluded(pull.head, "review", 40)
    check.is_("failure")
    assert "is gone" in (check.summary or "")
    for each in demo.server.processes("sleep 20"):
        each.kill()


async def test_what_cannot_be_run_costs_no_sandbox(demo: Demo, cloud: FakeCloud) -> None:
    demo.automation("echo hi", "review", github={"repository": "git"})
    pull = demo.pull()
    demo.comment("/run-automation review")
    check = await demo.concluded(pull.head, "review")
    assert "github.repository: git" in (check.summary or "")
    assert "create" not in {on for _, on, _ in cloud.calls}


async def test_what_is_of_another_cloud_is_deleted_once_it_is_the_cloud_again(
    demo: Demo, cloud: FakeCloud, server: RealServer
) -> None:
    cloud.fault("delete", status=401, body='{"detail":"no"}', times=None)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await eventually(lambda: "a sandbox is left for later" in demo.bot.log, 20)
    demo.bot.kill()
    cloud.clear_faults()
    with FakeCloud(server) as another:
        demo.bot.more["AUTOMATION_CLOUD_API_URL"] = another.url
        await demo.bot.start()
        await eventually(lambda: "which is not the Cloud any more" in demo.bot.log, 30)
        assert len(cloud.left) == 1
        assert "delete" not in {on for _, on, _ in another.calls}
        demo.bot.kill()
    demo.bot.more["AUTOMATION_CLOUD_API_URL"] = cloud.url
    await demo.bot.start()
    await gone(cloud)


async def test_a_fork_gets_none_of_an_account_with_secrets(demo: Demo, cloud: FakeCloud) -> None:
    cloud.secrets = ("github_token",)
    pull = demo.pull(fork=FORK)
    demo.comment(f"/run-automation approve {pull.head}")
    await demo.says("pproved")
    demo.comment("/run-automation hello")
    check = await demo.concluded(pull.head)
    check.is_("action_required")
    assert "code in its sandboxes can read" in (check.summary or "")
    await gone(cloud)
    assert demo.runs() == []


async def test_an_approved_fork_runs_in_a_sandbox(demo: Demo, cloud: FakeCloud) -> None:
    pull = demo.pull(fork=FORK)
    demo.comment(f"/run-automation approve {pull.head}")
    await demo.says("pproved")
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await gone(cloud)

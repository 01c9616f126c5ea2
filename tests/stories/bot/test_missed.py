"""What GitHub sent while the bot was away: taken in once, in order, and never what was stored before."""

import sqlite3
from contextlib import closing

from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

LIST = "/app/hook/deliveries"


def listed(demo: Demo) -> int:
    """How often the bot has read GitHub's list."""
    return sum(each.path == LIST for each in demo.github.requests)


def requests(demo: Demo) -> list[tuple[str, str]]:
    """Lane and delivery of each request, as they were stored."""
    with closing(sqlite3.connect(demo.bot.home / "bot.sqlite3")) as database:
        return database.execute("SELECT lane, delivery FROM requests ORDER BY id").fetchall()


async def test_fifty_that_came_while_it_was_down_are_taken_in_once_and_in_order(demo: Demo) -> None:
    pulls = [demo.pull(number) for number in (7, 8, 9)]
    demo.bot.kill()
    for count in range(48):
        demo.comment("/run-automation hello", author="mallory", number=7 + count % 3)
    demo.comment("/run-automation hello", number=8)
    demo.comment("/run-automation hello", number=7)
    demo.github.settle()
    sent = [each.guid for each in demo.app.deliveries if each.event == "issue_comment"]
    assert len(sent) == 50
    await demo.bot.start()
    for pull in pulls[:2]:
        (await demo.concluded(pull.head, within=60)).is_("success")
    assert demo.repository.checks(pulls[2].head) == []
    taken = requests(demo)
    assert [guid for _, guid in taken if guid in sent] == sent
    assert len(demo.runs()) == 0, "they are over"
    demo.bot.kill()
    before = listed(demo)
    await demo.bot.start()
    await eventually(lambda: listed(demo) > before, 20)
    assert requests(demo) == taken


async def test_a_cancel_that_came_after_its_run_comes_after_it(demo: Demo) -> None:
    demo.automation("echo started; sleep 348", "review")
    pull = demo.pull()
    demo.bot.kill()
    demo.comment("/run-automation review")
    demo.comment("/run-automation cancel")
    demo.github.settle()
    await demo.bot.start()
    (await demo.concluded(pull.head, "review")).is_("cancelled")
    assert demo.server.processes("sleep 348") == []


async def test_what_was_stored_is_not_run_again_although_github_calls_it_failed(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    for each in demo.app.deliveries:
        each.status_code, each.status = 502, "failed to connect to host"
    demo.bot.kill()
    before, taken = listed(demo), requests(demo)
    await demo.bot.start()
    await eventually(lambda: listed(demo) > before, 20)
    assert requests(demo) == taken
    assert len(demo.repository.checks(pull.head)) == 1


async def test_a_bot_that_github_does_not_reach_hears_all_the_same(begin: Begin) -> None:
    demo = await begin(BOT_DELIVERIES_SECONDS="1")
    demo.app.hook("http://127.0.0.1:9/webhook", "0123456789abcdef")
    await eventually(lambda: listed(demo) > 0, 20)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")

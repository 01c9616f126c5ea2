"""Others on the same repository: a bot of another App, the Action under the same App, other people's checks."""

from tests.bot_process import SECRET, BotProcess
from tests.stories.bot.conftest import PERMISSIONS, Demo
from tests.teller import eventually
from tests.workflow import REPOSITORY


async def test_two_bots_of_two_apps_leave_each_other_alone(demo: Demo) -> None:
    other = demo.github.app("other-bot", PERMISSIONS, secret=SECRET)
    other.install(REPOSITORY)
    neighbour = BotProcess(demo.directory / "neighbour", other, demo.server)
    try:
        await neighbour.start()
        other.hook(neighbour.webhook, SECRET)
        pull = demo.pull()
        demo.comment("/run-automation hello")
        await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
        await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 20)
        mine, theirs = sorted(demo.repository.checks(pull.head), key=lambda each: each.app_id)
        assert (mine.app_id, theirs.app_id) == (demo.app.id, other.id)
        await eventually(lambda: len(demo.repository.comments_on(7)) == 3, 20)
        assert {each.author for each in demo.repository.comments_on(7)} == {"alice", demo.app.bot, other.bot}
        mine.rerun(by="alice")
        await eventually(lambda: len(demo.repository.checks(pull.head)) == 3, 20)
        assert demo.repository.checks(pull.head)[-1].app_id == demo.app.id
    finally:
        neighbour.end()


async def test_a_check_of_somebody_else_with_our_name_is_not_touched(demo: Demo) -> None:
    pull = demo.pull()
    foreign = demo.repository.foreign_check("hello", pull.head, app="other-app", status="in_progress")
    demo.comment("/run-automation hello")
    await eventually(lambda: any(each.is_completed for each in demo.repository.checks(pull.head)), 20)
    assert foreign.status == "in_progress"
    assert foreign.conclusion is None

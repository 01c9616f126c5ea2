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


async def test_the_action_under_the_same_app_leaves_the_bots_runs_alone(demo: Demo) -> None:
    """Both report `slow` on one commit; each concludes its own, and the Action's watchdog leaves the bot's."""
    demo.automation("echo started; sleep 8", "slow")
    pull = demo.pull()
    demo.comment("/run-automation slow")
    await demo.running()
    app_id, private_key = demo.app.id, demo.app.private_key
    ran = await demo.job(pull.head, 1).run("hello", check_name="slow", app_id=app_id, private_key=private_key)
    assert ran.code == 0
    watched = await demo.job(pull.head, 2).run("", mode="watchdog", app_id=app_id, private_key=private_key)
    assert watched.code == 0
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 30)
    bots, actions = sorted(
        demo.repository.checks(pull.head), key=lambda each: each.external_id or "", reverse=True
    )
    assert (bots.app_id, actions.app_id) == (demo.app.id, demo.app.id)
    assert "started" in (bots.is_("success").text or "")
    assert "hello from hello" in (actions.is_("success").text or "")
    said = await demo.says("slow")
    assert demo.said() == [said]

"""Who starts nothing: strangers, readers, bots, edited and quoted comments, forks that nobody has approved."""

import pytest

from tests.servers import RealServer
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually
from tests.workflow import git

FORK = "eve/demo"


async def quiet(demo: Demo) -> None:
    """Everything that was sent has been dealt with."""
    demo.github.settle()
    demo.pull(99)
    demo.comment("/run-automation help", number=99)
    await eventually(lambda: len(demo.said(99)) == 1, 20)


@pytest.mark.parametrize("author", ["mallory", "rita"])
async def test_who_may_not_gets_one_reply_and_no_check(demo: Demo, author: str) -> None:
    pull = demo.pull()
    comment = demo.comment("/run-automation hello", author)
    said = await demo.says("github.who")
    assert author in said.body
    demo.comment("/run-automation hello", author)
    await quiet(demo)
    assert demo.said() == [said]
    assert demo.repository.checks(pull.head) == []
    await eventually(lambda: comment.reacted == ["eyes", "confused"])
    assert demo.runs() == []


async def test_a_reader_may_start_what_is_for_readers(demo: Demo) -> None:
    demo.automation("echo hi", "greet", github={"who": "read"})
    pull = demo.pull()
    demo.comment("/run-automation greet", "rita")
    (await demo.concluded(pull.head, "greet")).is_("success")


@pytest.mark.parametrize(
    "body",
    [
        "> /run-automation hello",
        "```\n/run-automation hello\n```",
        "    /run-automation hello",
        "`/run-automation hello`",
        "<!-- /run-automation hello -->",
        "please /run-automation hello",
        "/run-automations hello",
    ],
)
async def test_what_is_no_command(demo: Demo, body: str) -> None:
    pull = demo.pull()
    demo.comment(body)
    await quiet(demo)
    assert demo.repository.checks(pull.head) == []
    assert demo.said() == []


async def test_an_edited_comment_and_an_issue_and_a_bot_start_nothing(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment("nothing").edit("/run-automation hello")
    demo.repository.issue(20).comment("/run-automation hello", author="alice")
    demo.github.user("some[bot]", "Bot")
    demo.repository.collaborator("some[bot]", "admin")
    demo.comment("/run-automation hello", "some[bot]")
    await quiet(demo)
    assert demo.repository.checks(pull.head) == []
    assert demo.said() == []


async def test_a_closed_pull_request_is_told_so(demo: Demo) -> None:
    pull = demo.pull()
    pull.close()
    demo.comment("/run-automation hello")
    await demo.says("closed")
    assert demo.repository.checks(pull.head) == []


async def test_what_the_bot_says_starts_nothing(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment("/run-automation help")
    await demo.says("/run-automation")
    await quiet(demo)
    assert demo.repository.checks(pull.head) == []
    assert len(demo.said()) == 1


async def test_a_role_that_was_taken_away_starts_nothing_more(demo: Demo) -> None:
    demo.automation("sleep 12", "slow")
    pull = demo.pull()
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.runs()) == 1, 20)
    demo.comment("/run-automation slow", "bob")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    demo.repository.collaborator("bob", "read")
    second = demo.repository.checks(pull.head)[-1]
    await eventually(lambda: second.is_completed, 40)
    second.is_("action_required")
    assert "github.who" in (second.summary or "")


async def test_a_click_is_authorised_like_a_comment(demo: Demo) -> None:
    demo.automation("exit 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    check = await demo.concluded(pull.head, "review")
    check.click("retry", by="rita")
    await demo.says("rita")
    assert len(demo.repository.checks(pull.head)) == 1


async def test_a_click_is_judged_by_the_present_rules(demo: Demo) -> None:
    demo.automation("exit 3", "review", github={"who": "read"})
    pull = demo.pull()
    demo.comment("/run-automation review", "rita")
    check = await demo.concluded(pull.head, "review")
    demo.automation("exit 3", "review", github={"who": "maintain"})
    check.click("retry", by="rita")
    assert "maintain" in (await demo.says("Nothing was started")).body
    assert len(demo.repository.checks(pull.head)) == 1


class TestForks:
    async def test_denied(self, demo: Demo) -> None:
        demo.automation(slug="private", github={"forks": "deny"})
        pull = demo.pull(fork=FORK)
        demo.comment("/run-automation private")
        await demo.says("github.forks")
        assert demo.repository.checks(pull.head) == []

    async def test_without_a_server_of_its_own_it_runs_nowhere(self, demo: Demo) -> None:
        pull = demo.pull(fork=FORK)
        demo.comment(f"/run-automation hello --sha {pull.head}")
        await demo.says("set aside for forks")
        assert demo.repository.checks(pull.head) == []
        assert demo.runs() == []

    async def test_approved_it_runs_on_the_server_that_is_set_aside(
        self, begin: Begin, open_server: RealServer
    ) -> None:
        demo = await begin(BOT_FORK_AGENT_SERVER_URL=open_server.url)
        demo.automation('echo "key=<$SESSION_API_KEY>"', "hello")
        pull = demo.pull(fork=FORK)
        demo.comment("/run-automation hello")
        said = await demo.says(pull.head)
        assert "approve" in said.body
        assert demo.repository.checks(pull.head) == []
        demo.comment(f"/run-automation approve {pull.head}", "rita")
        await demo.says("rita")
        assert demo.repository.checks(pull.head) == []
        demo.comment(f"/run-automation approve {pull.head}")
        check = await demo.concluded(pull.head)
        check.is_("success")
        assert "key=<>" in (check.text or "")
        assert demo.runs() == []

    async def test_a_push_ends_the_approval(self, begin: Begin, open_server: RealServer) -> None:
        demo = await begin(BOT_FORK_AGENT_SERVER_URL=open_server.url)
        pull = demo.pull(fork=FORK)
        demo.comment(f"/run-automation approve {pull.head}")
        await demo.says("pproved")
        pull.push(demo.branch("feature-7"))
        demo.comment("/run-automation hello")
        await demo.says(pull.head)
        assert demo.repository.checks(pull.head) == []
        demo.comment(f"/run-automation hello --sha {pull.head}")
        (await demo.concluded(pull.head)).is_("success")

    async def test_another_base_ends_the_approval(self, begin: Begin, open_server: RealServer) -> None:
        """Its definitions are others, and the author of the pull request may choose it."""
        demo = await begin(BOT_FORK_AGENT_SERVER_URL=open_server.url)
        old = demo.automation("echo old rules", "deploy", github={"who": "read"})
        git(demo.checkout.path, "branch", "old-release", old)
        demo.automation("echo new rules", "deploy", github={"who": "maintain", "forks": "deny"})
        pull = demo.pull(fork=FORK)
        demo.comment(f"/run-automation approve {pull.head}")
        await demo.says("pproved")
        pull.base = "old-release"
        pull.tell("edited", changes={"base": {"ref": {"from": "main"}, "sha": {"from": old}}})
        demo.comment("/run-automation deploy", "rita")
        await demo.says("waits for an approval")
        assert demo.repository.checks(pull.head) == []

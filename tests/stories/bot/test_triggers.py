"""Events that automations have declared to start on."""

from typing import Any

from tests.servers import RealServer
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually

FORK = "eve/demo"


def trigger(on: str, only: str | None = None) -> dict[str, Any]:
    return {"trigger": {"type": "event", "source": "github", "on": on} | ({"filter": only} if only else {})}


async def test_a_pull_request_that_is_opened(demo: Demo) -> None:
    demo.automation('echo "$AUTOMATION_EVENT_PAYLOAD"', "review", **trigger("pull_request.*"))
    pull = demo.pull(announce=True)
    check = await demo.concluded(pull.head, "review")
    check.is_("success")
    assert '"event_key": "pull_request.opened"' in (check.text or "").replace('":"', '": "')


async def test_a_filter_decides(demo: Demo) -> None:
    for slug, only in (("yes", "pull_request.user.login == 'bob'"), ("no", "pull_request.draft")):
        demo.automation("echo hi", slug, **trigger("pull_request.opened", only))
    pull = demo.pull(announce=True)
    (await demo.concluded(pull.head, "yes")).is_("success")
    demo.github.settle()
    assert [each.name for each in demo.repository.checks(pull.head)] == ["yes"]


async def test_a_push_to_the_default_branch(demo: Demo) -> None:
    sha = demo.automation("echo pushed", "deploy", **trigger("push"))
    demo.repository.push("main", sha, author="alice")
    (await demo.concluded(sha, "deploy")).is_("success")


async def test_an_issue_runs_on_the_default_branch(demo: Demo) -> None:
    sha = demo.automation(
        'echo "number $(grep -o number $AUTOMATION_EVENT_PATH | head -1)"',
        "triage",
        **trigger("issues.opened"),
    )
    demo.repository.issue(20, author="mallory", title="$(touch pwned) <script>")
    (await demo.concluded(sha, "triage")).is_("success")


async def test_one_that_is_switched_off_does_not_start(demo: Demo) -> None:
    demo.automation("echo hi", "off", enabled=False, **trigger("pull_request.*"))
    demo.automation("echo hi", "on", **trigger("pull_request.*"))
    pull = demo.pull(announce=True)
    await demo.concluded(pull.head, "on")
    assert [each.name for each in demo.repository.checks(pull.head)] == ["on"]


async def test_a_new_push_replaces_the_run_of_the_one_before(demo: Demo) -> None:
    demo.automation(
        "echo started; sleep 300",
        "review",
        github={"concurrency": {"policy": "replace"}},
        **trigger("pull_request.*"),
    )
    pull = demo.pull(announce=True)
    first = pull.head
    await demo.running()
    second = demo.branch("feature-7")
    pull.push(second)
    check = await demo.concluded(first, "review")
    check.is_("cancelled")
    await eventually(lambda: len(demo.repository.checks(second)) == 1, 20)
    demo.comment("/run-automation cancel all")
    await demo.concluded(second, "review")


async def test_a_forks_pull_request_waits_for_its_approval(begin: Begin, open_server: RealServer) -> None:
    demo = await begin(BOT_FORK_AGENT_SERVER_URL=open_server.url)
    demo.automation("echo hi", "review", **trigger("pull_request.opened"))
    pull = demo.pull(fork=FORK, announce=True)
    waiting = await demo.concluded(pull.head, "review")
    waiting.is_("action_required")
    assert waiting.buttons == ["approve"]
    waiting.click("approve", by="rita")
    await demo.says("rita")
    assert len(demo.repository.checks(pull.head)) == 1
    waiting.click("approve", by="alice")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    ran = demo.repository.checks(pull.head)[-1]
    await eventually(lambda: ran.is_completed, 20)
    ran.is_("success")


async def test_an_input_that_a_trigger_cannot_give_is_told_on_the_check(demo: Demo) -> None:
    demo.automation(
        "echo hi",
        "deploy",
        github={"inputs": {"target": {"required": True}}},
        **trigger("pull_request.opened"),
    )
    pull = demo.pull(announce=True)
    check = await demo.concluded(pull.head, "deploy")
    check.is_("failure")
    assert "target" in (check.summary or "")


async def test_a_retry_is_told_of_the_event_and_not_of_the_click(demo: Demo) -> None:
    demo.automation(
        'grep -o "requested_action" "$AUTOMATION_EVENT_PATH"; echo looked; exit 3',
        "review",
        **trigger("pull_request.opened"),
    )
    pull = demo.pull(announce=True)
    check = await demo.concluded(pull.head, "review")
    check.click("retry", by="alice")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    second = demo.repository.checks(pull.head)[-1]
    await eventually(lambda: second.is_completed, 20)
    assert "looked" in (second.text or "")
    assert "requested_action" not in (second.text or "")


async def test_what_a_strangers_events_are_held_for_uses_up_nobodys_cap(
    begin: Begin, open_server: RealServer
) -> None:
    demo = await begin(BOT_FORK_AGENT_SERVER_URL=open_server.url, BOT_RUNS_PER_REPOSITORY_HOUR="2")
    demo.automation("echo hi", "review", **trigger("pull_request.*"))
    theirs = demo.pull(8, fork=FORK, announce=True)
    (await demo.concluded(theirs.head, "review")).is_("action_required")
    theirs.push(demo.branch("feature-8"))
    (await demo.concluded(theirs.head, "review")).is_("action_required")
    mine = demo.pull(7)
    demo.comment("/run-automation hello")
    (await demo.concluded(mine.head)).is_("success")

"""Commands in comments: from `/run-automation hello` to its check run, and every other verb."""

import pytest

from tests.fakes.github.checks import CheckRun
from tests.stories.bot.conftest import Demo
from tests.teller import eventually

ANNOTATES = """echo '{"title": "Two things", "annotations": [{"path": "feature.txt", "start_line": 1,
"annotation_level": "failure", "message": "not like this"}]}' > "$AUTOMATION_RESULT"; exit 3"""
ECHOES = 'printf "target=<%s>\\n" "$AUTOMATION_INPUT_TARGET"'
SLOW = "echo started; sleep 304"

LIST = "/app/hook/deliveries"


async def test_a_comment_starts_a_run_that_ends_as_a_check(demo: Demo) -> None:
    pull = demo.pull()
    comment = demo.comment("/run-automation hello")
    check = await demo.concluded(pull.head)
    check.is_("success")
    assert "hello from hello" in (check.text or "")
    assert f"at {pull.head}" in (check.text or "")
    assert (check.details_url or "").startswith(f"{demo.bot.url}/runs/")
    said = await demo.says("hello")
    await eventually(lambda: comment.reacted == ["eyes", "rocket"])
    assert demo.said() == [said]
    await eventually(lambda: demo.runs() == [])


async def test_a_run_takes_at_most_16_requests_to_github(demo: Demo) -> None:
    pull = demo.pull()
    comment = demo.comment("/run-automation hello")
    await demo.concluded(pull.head)
    await eventually(lambda: "rocket" in comment.reacted)
    # The list of deliveries is read by the minute, whatever runs.
    asked = [f"{each.method} {each.path}" for each in demo.github.requests if each.path != LIST]
    assert len(asked) <= 16, asked


async def test_without_a_name_the_only_automation_is_meant(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment("/run-automation")
    (await demo.concluded(pull.head)).is_("success")


async def test_without_a_name_and_with_several_it_asks_which(demo: Demo) -> None:
    demo.automation(slug="lint")
    pull = demo.pull()
    demo.comment("/run-automation")
    said = await demo.says("lint")
    assert "hello" in said.body
    assert demo.repository.checks(pull.head) == []


async def test_a_failure_has_annotations_and_a_confused_reaction(demo: Demo) -> None:
    demo.automation(ANNOTATES, "review")
    pull = demo.pull()
    comment = demo.comment("/run-automation review")
    check = await demo.concluded(pull.head, "review")
    check.is_("failure")
    assert check.title == "Two things"
    assert [(each["path"], each["message"]) for each in check.annotations] == [
        ("feature.txt", "not like this")
    ]
    assert check.buttons == ["retry"]
    await eventually(lambda: comment.reacted == ["eyes", "confused"])


async def test_arguments_are_typed(demo: Demo) -> None:
    demo.automation(ECHOES, "deploy", github={"inputs": {"target": {"choices": ["main", "next"]}}})
    pull = demo.pull()
    demo.comment("/run-automation deploy target=next")
    assert "target=<next>" in ((await demo.concluded(pull.head, "deploy")).text or "")
    demo.comment("/run-automation deploy target=prod")
    said = await demo.says("must be one of")
    assert "target" in said.body
    assert len(demo.repository.checks(pull.head)) == 1


async def test_arguments_are_data(demo: Demo) -> None:
    demo.automation(ECHOES, "deploy", github={"inputs": {"target": {}}})
    pull = demo.pull()
    value = "$(touch pwned) `id` ; echo <b>x</b> ::error::x @alice"
    demo.comment(f'/run-automation deploy target="{value}"')
    check = await demo.concluded(pull.head, "deploy")
    check.is_("success")
    assert f"target=<{value}>" in (check.text or "")


async def test_an_unknown_name_is_answered_with_the_nearest(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment("/run-automation helo")
    said = await demo.says("hello")
    assert "helo" in said.body
    assert demo.repository.checks(pull.head) == []


async def test_a_mistake_is_answered_once(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment("/run-automation hello --sha abc")
    said = await demo.says("40")
    demo.app.redeliver(demo.app.deliveries[-1].guid)
    demo.github.settle()
    assert demo.said() == [said]
    assert demo.repository.checks(pull.head) == []


async def test_another_commit_than_was_named_is_not_run(demo: Demo) -> None:
    pull = demo.pull()
    demo.comment(f"/run-automation hello --sha {'a' * 40}")
    await demo.says(pull.head)
    assert demo.repository.checks(pull.head) == []


@pytest.mark.parametrize("verb", ["help", "list"])
async def test_what_there_is_to_run(demo: Demo, verb: str) -> None:
    demo.automation(ECHOES, "deploy", github={"inputs": {"target": {"choices": ["main", "next"]}}})
    demo.pull()
    demo.comment(f"/run-automation {verb}")
    said = await demo.says("deploy")
    assert "hello" in said.body


async def test_of_two_lists_the_older_one_is_folded_away(demo: Demo) -> None:
    demo.pull()
    demo.comment("/run-automation list")
    await eventually(lambda: len(demo.said()) == 1)
    demo.comment("/run-automation list")
    await eventually(lambda: [each.minimized for each in demo.said()] == ["OUTDATED", None])


async def test_status_and_why(demo: Demo) -> None:
    demo.automation("exit 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    await demo.concluded(pull.head, "review")
    await demo.says("exit code 3")
    demo.comment("/run-automation status")
    await eventually(lambda: len(demo.said()) == 2)
    assert "exit code 3" in demo.said()[-1].body
    demo.comment("/run-automation why")
    await eventually(lambda: len(demo.said()) == 3)
    assert "exit code 3" in demo.said()[-1].body


async def test_cancel_ends_the_process_on_the_server(demo: Demo) -> None:
    demo.automation(SLOW, "slow", timeout=600)
    pull = demo.pull()
    demo.comment("/run-automation slow")
    run_id = await demo.running()
    demo.comment("/run-automation cancel slow")
    check = await demo.concluded(pull.head, "slow")
    check.is_("cancelled")
    assert "alice" in (check.summary or "")
    assert demo.server.processes(run_id) == []


async def test_cancel_while_it_waits_for_its_turn(demo: Demo) -> None:
    demo.automation(SLOW, "slow", timeout=600)
    pull = demo.pull()
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.runs()) == 1, 20)
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    first, second = demo.repository.checks(pull.head)
    assert second.status == "queued"
    demo.comment(f"/run-automation cancel {run_of(second)}")
    await eventually(lambda: second.is_completed)
    second.is_("cancelled")
    assert not first.is_completed
    demo.comment("/run-automation cancel all")
    await eventually(lambda: first.is_completed, 20)


async def test_a_run_waits_for_the_one_before_it_in_its_lane(demo: Demo) -> None:
    demo.automation("sleep 2; date +%s.%N", "slow")
    pull = demo.pull()
    demo.comment("/run-automation slow")
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 30)
    assert [each.conclusion for each in demo.repository.checks(pull.head)] == ["success", "success"]
    assert len([each for each in demo.said() if "slow" in each.body]) == 1


async def test_replace_puts_an_end_to_the_older_run(demo: Demo) -> None:
    demo.automation(SLOW, "slow", github={"concurrency": {"policy": "replace"}})
    pull = demo.pull()
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.runs()) == 1, 20)
    demo.comment("/run-automation slow")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    first, second = demo.repository.checks(pull.head)
    await eventually(lambda: first.is_completed, 20)
    first.is_("cancelled")
    assert "newer" in (first.summary or "")
    demo.comment("/run-automation cancel all")
    await eventually(lambda: second.is_completed, 20)


async def test_retry_runs_what_failed_once_more(demo: Demo) -> None:
    demo.automation("test -e passed && exit 0; exit 3", "flaky")
    pull = demo.pull()
    demo.comment("/run-automation flaky")
    (await demo.concluded(pull.head, "flaky")).is_("failure")
    demo.comment("/run-automation retry")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 20)


async def test_nothing_to_retry_and_nothing_to_cancel(demo: Demo) -> None:
    demo.pull()
    demo.comment("/run-automation retry")
    await eventually(lambda: len(demo.said()) == 1)
    demo.comment("/run-automation cancel")
    await eventually(lambda: len(demo.said()) == 2)


async def test_rerun_and_retry_from_the_check(demo: Demo) -> None:
    demo.automation("exit 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    check = await demo.concluded(pull.head, "review")
    check.rerun(by="alice")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2, 20)
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 20)
    demo.repository.checks(pull.head)[-1].click("retry", by="alice")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 3, 20)
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 20)
    demo.repository.rerun_suite(pull.head, demo.app, by="alice")
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 4, 20)
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 20)


async def test_two_pull_requests_at_once(demo: Demo) -> None:
    one, two = demo.pull(7), demo.pull(8)
    demo.comment("/run-automation hello", number=7)
    demo.comment("/run-automation hello", number=8)
    (await demo.concluded(one.head)).is_("success")
    (await demo.concluded(two.head)).is_("success")
    await eventually(lambda: [len(demo.said(7)), len(demo.said(8))] == [1, 1])


def run_of(check: CheckRun) -> str:
    """The id of the run that a check run shows."""
    return str(check.external_id).split(":")[2]

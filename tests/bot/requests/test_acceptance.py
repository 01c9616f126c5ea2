"""What is accepted is a row, once for each request; what is refused has made nothing."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automation.catalogue import Automation, find_automation
from automation.definition.role import Role
from automation.errors import Misconfigured, Refused
from automation.reasons import Conclusion, Reason
from bot.caps import Caps
from bot.requests.acceptance import Acceptance
from bot.requests.wish import Subject, Wish, again
from bot.runs.run import APPROVED, Run, State
from bot.store.deliveries import DeliveryRows
from bot.store.errors import DatabaseUnavailable
from tests.bot.runs.place import Place
from tests.bot.store.rows import SUCCESS, a_delivery

SERVER = "http://127.0.0.1:8"
INPUTS = {"inputs": {"target": {"default": "main"}, "count": {"type": "integer"}}}


@pytest.fixture
def acceptance(place: Place) -> Acceptance:
    return Acceptance(place.bot, place.driver)


def defined(place: Place, **github: Any) -> Automation:
    """The automation `hello` with this under its key `github`."""
    place.checkout.automation("hello", "echo hello", github=github)
    return find_automation(Path(place.checkout.path), "hello")


def subject(place: Place, **changes: Any) -> Subject:
    known: dict[str, Any] = {
        "repository": "octo/demo",
        "installation": place.installation,
        "sha": place.pull.head,
        "definition_sha": place.main,
        "head_ref": "feature",
        "base_ref": "main",
        "pull_request": 7,
    }
    return Subject(**known | changes)


def wish(**changes: Any) -> Wish:
    known: dict[str, Any] = {
        "actor": "alice",
        "cause": "issue_comment.created",
        "event_name": "issue_comment",
        "role": Role.WRITE,
    }
    return Wish(**known | changes)


async def a_request(place: Place) -> int:
    await DeliveryRows(place.bot.store.database).add([a_delivery(received_at=time.time())])
    return max(each.id for each in await place.bot.store.requests.due(time.time() + 1, 1000))


async def runs(place: Place) -> list[Run]:
    return await place.bot.store.runs.recent()


async def test_it_is_a_row_that_somebody_drives(place: Place, acceptance: Acceptance) -> None:
    automation = defined(place, **INPUTS, who="triage", outputs=["url"], concurrency={"key": "branch"})
    began = time.time()
    run = await acceptance.accept(automation, subject(place), wish(inputs={"count": "3"}, comment_id=99))
    assert await runs(place) == [run]
    assert run.id in place.driver._pokes
    assert (run.state, run.automation, run.head_sha, run.definition_sha) == (
        State.QUEUED,
        "hello",
        place.pull.head,
        place.main,
    )
    assert (run.asks_role, run.outputs, run.inputs, run.comment_id) == (
        Role.TRIAGE,
        ("url",),
        {"count": "3"},
        99,
    )
    assert run.lane == "octo/demo hello ref/feature"
    assert began <= run.accepted_at <= time.time()
    assert run.deadline > run.accepted_at + run.timeout


@pytest.mark.parametrize(
    ("key", "given", "about", "reason"),
    [
        ({}, {"role": Role.READ}, {}, Reason.NOT_ALLOWED),
        ({}, {"role": None}, {}, Reason.NOT_ALLOWED),
        ({"who": "read"}, {"role": Role.READ}, {}, None),
        ({"who": "admin"}, {"role": Role.MAINTAIN}, {}, Reason.NOT_ALLOWED),
        ({"who": "admin"}, {"role": None, "is_by_event": True}, {}, None),
        ({}, {"inputs": {"nothing": "x"}}, {}, Reason.BAD_CONFIG),
        ({**INPUTS}, {"inputs": {"count": "many"}}, {}, Reason.BAD_CONFIG),
        ({"inputs": {"target": {"required": True}}}, {}, {}, Reason.BAD_CONFIG),
        ({}, {}, {"is_fork": True}, Reason.FORK_NEEDS_APPROVAL),
        ({}, {"is_by_event": True}, {"is_fork": True}, Reason.FORK_NEEDS_APPROVAL),
        ({"forks": "deny"}, {}, {"is_fork": True}, Reason.NOT_ALLOWED),
        ({"forks": "deny"}, {}, {}, None),
    ],
)
async def test_what_is_refused_has_made_nothing(
    place: Place,
    acceptance: Acceptance,
    key: dict[str, Any],
    given: dict[str, Any],
    about: dict[str, Any],
    reason: Reason | None,
) -> None:
    place.set_apart(SERVER)
    found = None
    try:
        await acceptance.accept(defined(place, **key), subject(place, **about), wish(**given))
    except (Refused, Misconfigured) as error:
        found = error.reason
    assert found is reason
    assert len(await runs(place)) == (0 if reason else 1)
    assert bool(place.driver._pokes) is (reason is None)


class TestForks:
    async def test_approved_it_needs_a_server_apart(self, place: Place, acceptance: Acceptance) -> None:
        fork = subject(place, is_fork=True)
        await acceptance.approvals.give(fork, "alice")
        with pytest.raises(Refused, match="set aside for forks") as refusal:
            await acceptance.accept(defined(place), fork, wish())
        assert refusal.value.reason is Reason.FORK_NEEDS_ISOLATION
        assert await runs(place) == []
        place.set_apart(SERVER)
        assert (await acceptance.accept(defined(place), fork, wish())).is_fork

    async def test_a_branch_of_a_fork_is_another_lane(self, place: Place, acceptance: Acceptance) -> None:
        place.set_apart(SERVER)
        fork = subject(place, is_fork=True, head_repository="Eve/Demo")
        await acceptance.approvals.give(fork, "alice")
        automation = defined(place, concurrency={"key": "branch"})
        theirs = await acceptance.accept(automation, fork, wish())
        ours = await acceptance.accept(automation, subject(place), wish())
        assert (theirs.lane, ours.lane) == (
            "octo/demo hello ref/eve/demo:feature",
            "octo/demo hello ref/feature",
        )


class TestHeld:
    ERROR = Refused("look at it first", reason=Reason.FORK_NEEDS_APPROVAL)

    async def test_a_triggers_shows_as_a_check(self, place: Place, acceptance: Acceptance) -> None:
        held = await acceptance.hold(defined(place), subject(place), wish(is_by_event=True), self.ERROR)
        assert held is not None
        assert (held.state, held.has_check, held.lane) == (State.CONCLUDING, True, "")
        assert held.end is not None
        assert (held.end.conclusion, held.end.reason) == (
            Conclusion.ACTION_REQUIRED,
            Reason.FORK_NEEDS_APPROVAL,
        )
        assert held.id in place.driver._pokes

    async def test_a_comments_does_not(self, place: Place, acceptance: Acceptance) -> None:
        held = await acceptance.hold(defined(place), subject(place), wish(), self.ERROR)
        assert held is not None
        assert (held.state, held.has_check) == (State.ENDED, False)

    async def test_the_newest_of_each_automation_on_the_commit_waits(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        first = await acceptance.hold(defined(place), subject(place), wish(), self.ERROR)
        held = await acceptance.hold(defined(place), subject(place), wish(), self.ERROR)
        other = await acceptance.hold(defined(place), subject(place, sha=place.main), wish(), self.ERROR)
        assert await acceptance.held("octo/demo", 7, place.pull.head) == [held]
        assert await acceptance.held("octo/demo", 7, place.main) == [other]
        assert await acceptance.held("octo/demo", 8, place.main) == []
        await acceptance.accept(defined(place), subject(place), wish())
        assert await acceptance.held("octo/demo", 7, place.pull.head) == []
        assert first is not None

    async def test_it_holds_nobody_up(self, place: Place, acceptance: Acceptance) -> None:
        automation = defined(place, concurrency={"policy": "reject"})
        await acceptance.hold(automation, subject(place), wish(is_by_event=True), self.ERROR)
        await acceptance.accept(automation, subject(place), wish())


async def test_what_a_trigger_asks_for_and_cannot_be_says_so(place: Place, acceptance: Acceptance) -> None:
    error = Misconfigured("the input 'target' is required")
    run = await acceptance.fail(defined(place), subject(place), wish(is_by_event=True), error)
    assert run is not None
    assert await runs(place) == [run]
    assert (run.state, run.has_check, run.lane) == (State.CONCLUDING, True, "")
    assert run.end is not None
    assert (run.end.conclusion, run.end.sentence) == (Conclusion.FAILURE, error.sentence)


class TestOnce:
    async def test_a_request_makes_a_run_of_an_automation_once(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        request, other = await a_request(place), await a_request(place)
        for _ in range(2):
            await acceptance.accept(defined(place), subject(place), wish(request=request))
        assert len(await runs(place)) == 1
        await acceptance.accept(defined(place), subject(place), wish(request=other))
        assert len(await runs(place)) == 2

    async def test_dealt_with_again_it_replaces_nobody(self, place: Place, acceptance: Acceptance) -> None:
        request, automation = await a_request(place), defined(place, concurrency={"policy": "replace"})
        await acceptance.accept(automation, subject(place), wish(request=request))
        await acceptance.accept(automation, subject(place), wish(request=request))
        [run] = await runs(place)
        assert run.stop_by == ""

    async def test_dealt_with_again_its_own_run_does_not_stand_in_its_way(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        request, automation = await a_request(place), defined(place, concurrency={"policy": "reject"})
        run = await acceptance.accept(automation, subject(place), wish(request=request))
        assert (await acceptance.accept(automation, subject(place), wish(request=request))).id == run.id

    async def test_dealt_with_again_it_does_not_count_twice(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        place.bot.settings = replace(place.bot.settings, caps=Caps(per_user=1))
        request, automation = await a_request(place), defined(place)
        run = await acceptance.accept(automation, subject(place), wish(request=request))
        assert (await acceptance.accept(automation, subject(place), wish(request=request))).id == run.id

    async def test_delivered_under_two_ids_a_comment_makes_one(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        first, second = await a_request(place), await a_request(place)
        run = await acceptance.accept(defined(place), subject(place), wish(request=first, comment_id=99))
        again = await acceptance.accept(defined(place), subject(place), wish(request=second, comment_id=99))
        assert again.id == run.id

    async def test_pressed_twice_a_button_makes_one(self, place: Place, acceptance: Acceptance) -> None:
        old = place.a_run(end=SUCCESS, state=State.ENDED)
        assert await place.bot.store.runs.add(old)
        first = await acceptance.accept(defined(place), subject(place), wish(retry_of=old.id))
        assert (await acceptance.accept(defined(place), subject(place), wish(retry_of=old.id))).id == first.id

    async def test_of_many_at_once_no_more_than_the_cap_are_accepted(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        place.bot.settings = replace(place.bot.settings, caps=Caps(per_user=3))
        automation = defined(place)
        asked = (acceptance.accept(automation, subject(place), wish()) for _ in range(6))
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(each, Refused) for each in results) == 3
        assert len(await runs(place)) == 3

    async def test_held_again_it_is_one(self, place: Place, acceptance: Acceptance) -> None:
        request = await a_request(place)
        for _ in range(2):
            await acceptance.hold(defined(place), subject(place), wish(request=request), TestHeld.ERROR)
        assert len(await runs(place)) == 1


class TestCaps:
    @pytest.mark.parametrize(
        ("caps", "given", "about", "is_refused"),
        [
            (Caps(per_user=1), {}, {}, True),
            (Caps(per_user=1), {"actor": "bob"}, {}, False),
            (Caps(per_pull=1), {"actor": "bob"}, {}, True),
            (Caps(per_pull=1), {"actor": "bob"}, {"pull_request": 8}, False),
            (Caps(per_pull=1), {"actor": "bob"}, {"pull_request": None}, False),
            (Caps(per_repository=1), {"actor": "bob"}, {"pull_request": 8}, True),
            (Caps(per_repository=1), {"actor": "bob"}, {"repository": "octo/other"}, False),
            (Caps(2, 2, 2), {}, {}, False),
        ],
    )
    async def test_the_next_one(
        self,
        place: Place,
        acceptance: Acceptance,
        caps: Caps,
        given: dict[str, Any],
        about: dict[str, Any],
        is_refused: bool,
    ) -> None:
        place.bot.settings = replace(place.bot.settings, caps=caps)
        await acceptance.accept(defined(place), subject(place), wish())
        if not is_refused:
            await acceptance.accept(defined(place), subject(place, **about), wish(**given))
            return
        with pytest.raises(Refused, match="within the last hour"):
            await acceptance.accept(defined(place), subject(place, **about), wish(**given))
        assert len(await runs(place)) == 1

    async def test_what_is_held_counts_apart_and_leaves_no_trace_beyond_them(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        place.bot.settings = replace(place.bot.settings, caps=Caps(per_user=1))
        assert await acceptance.hold(defined(place), subject(place), wish(), TestHeld.ERROR)
        assert await acceptance.hold(defined(place), subject(place), wish(), TestHeld.ERROR) is None
        await acceptance.accept(defined(place), subject(place), wish())
        assert len(await runs(place)) == 2

    async def test_an_hour_later(self, place: Place, acceptance: Acceptance) -> None:
        place.bot.settings = replace(place.bot.settings, caps=Caps(per_user=1))
        old = place.a_run(accepted_at=time.time() - 3601, end=SUCCESS, state=State.ENDED)
        assert await place.bot.store.runs.add(old)
        await acceptance.accept(defined(place), subject(place), wish())


class TestLanes:
    async def test_in_a_queue_both_are_there(self, place: Place, acceptance: Acceptance) -> None:
        for _ in range(2):
            await acceptance.accept(defined(place), subject(place), wish())
        assert [run.stop_by for run in await runs(place)] == ["", ""]

    async def test_a_newer_one_replaces_the_older_ones(self, place: Place, acceptance: Acceptance) -> None:
        automation = defined(place, concurrency={"policy": "replace"})
        first = await acceptance.accept(automation, subject(place), wish())
        elsewhere = await acceptance.accept(automation, subject(place, pull_request=8), wish())
        second = await acceptance.accept(automation, subject(place), wish())
        stopped = await place.now(first)
        assert (stopped.stop_by, stopped.stop_cause) == (f"the newer run {second.id}", "superseded")
        for run in (elsewhere, second):
            assert (await place.now(run)).stop_by == ""

    async def test_where_one_is_under_way_the_next_is_rejected(
        self, place: Place, acceptance: Acceptance
    ) -> None:
        automation = defined(place, concurrency={"policy": "reject"})
        first = await acceptance.accept(automation, subject(place), wish())
        with pytest.raises(Refused, match=f"run {first.id} is under way"):
            await acceptance.accept(automation, subject(place), wish(actor="bob"))
        await acceptance.accept(automation, subject(place, pull_request=8), wish())
        assert await place.bot.store.runs.save(replace(first, end=SUCCESS, state=State.CONCLUDING))
        await acceptance.accept(automation, subject(place), wish(actor="bob"))


async def test_the_wish_for_the_same_once_more(place: Place, acceptance: Acceptance) -> None:
    run = await acceptance.accept(
        defined(place, **INPUTS),
        subject(place),
        wish(inputs={"count": "3"}, event=json.dumps({"a": 1}).encode()),
    )
    repeated = again(run, actor="bob", role=Role.ADMIN, cause=APPROVED)
    assert (repeated.actor, repeated.cause, repeated.inputs) == ("bob", APPROVED, {"count": "3"})
    assert (repeated.attempt, repeated.retry_of, repeated.is_by_event) == (2, run.id, False)
    second = await acceptance.accept(defined(place, **INPUTS), subject(place), repeated)
    assert await place.bot.store.runs.event_of(second.id) == {"a": 1}
    assert again(run).comment_id == 0


async def test_what_it_replaces_is_stopped_with_it_or_not_at_all(
    place: Place, acceptance: Acceptance, monkeypatch: pytest.MonkeyPatch
) -> None:
    automation = defined(place, concurrency={"policy": "replace"})
    older = await acceptance.accept(automation, subject(place), wish())

    async def dies(*_given: object) -> bool:
        raise DatabaseUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(place.bot.store.runs, "ask_stop", dies)
        with pytest.raises(DatabaseUnavailable):
            await acceptance.accept(automation, subject(place), wish())
    assert await runs(place) == [older]
    newer = await acceptance.accept(automation, subject(place), wish())
    assert (await place.now(older)).stop_by == f"the newer run {newer.id}"


async def test_what_is_approved_before_it_is_dealt_with_again_is_the_approvers_to_start(
    place: Place, acceptance: Acceptance
) -> None:
    place.set_apart(SERVER)
    request, fork = await a_request(place), subject(place, is_fork=True)
    automation = defined(place, concurrency={"policy": "replace"})
    held = await acceptance.hold(automation, fork, wish(request=request), TestHeld.ERROR)
    await acceptance.approvals.give(fork, "alice")
    started = await acceptance.accept(automation, fork, wish())
    assert await acceptance.accept(automation, fork, wish(request=request)) == held
    assert (await place.now(started)).stop_by == ""

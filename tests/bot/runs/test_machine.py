"""Whatever happens, in whatever order: nothing is done twice, nothing is taken back, everything ends as it truly did.

Hypothesis makes up the stories. What decides and the database are the real ones; GitHub, the agent-server and time
are in memory (`tests/bot/world`). `make chaos` makes up many more, and longer ones.
"""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from automation.catalogue import Automation, find_automation
from automation.observation import Cause
from automation.reasons import Reason
from bot.completion import Completion
from bot.requests.wish import Wish, again
from bot.runs.owner import keys_of
from bot.runs.run import End, Run, State
from bot.runs.said import note_of
from tests.bot.world.ports import Fate, Side
from tests.bot.world.world import World, wish_of
from tests.workflow import Checkout

if TYPE_CHECKING:
    from uuid import UUID

POLICIES = ("queue", "replace", "reject")
HEALED_WITHIN = 60
"""Minutes after which everything has ended, once nothing is in its way."""
STOPPED = frozenset({Cause.CANCELLED, Cause.SUPERSEDED, Cause.ABANDONED})
type Trouble = tuple[Side, int, Fate]
picks = st.integers(0, 5)
troubles = st.tuples(st.sampled_from(Side), st.integers(0, 7), st.sampled_from(Fate))


@functools.cache
def checkout() -> tuple[tempfile.TemporaryDirectory[str], Path, str]:
    """A repository with an automation for each policy, for all stories."""
    directory = tempfile.TemporaryDirectory(prefix="machine-")
    made = Checkout.make(Path(directory.name) / "checkout")
    for policy in POLICIES:
        made.automation(policy, "true", github={"concurrency": {"policy": policy}})
    return directory, made.path, made.commit()


def where(holds: Callable[[Any], object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Whether a rule does anything.

    It is no `precondition`: how the database's threads run differs from life to life, and what hypothesis draws must not
    depend on it.
    """

    def rule_of(act: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(act)
        def wrapped(self: "LivesOfRuns", **drawn: Any) -> None:
            if holds(self):
                act(self, **drawn)

        return wrapped

    return rule_of


class LivesOfRuns(RuleBasedStateMachine):
    """One bot and what befalls it."""

    def __init__(self) -> None:
        super().__init__()
        _, path, main = checkout()
        self.directory = tempfile.TemporaryDirectory(prefix="world-")
        self.world = World(Path(self.directory.name), path, main)
        self.automations = {policy: find_automation(path, policy) for policy in POLICIES}
        self.wishes: list[tuple[Automation, Wish, Run]] = []
        self.ends: dict[UUID, End] = {}
        self.told: dict[int, str | None] = {}
        self.reported: set[UUID] = set()
        self.had_trouble = False
        self.may_have_twins = False

    # What people do

    @initialize(policy=st.sampled_from(POLICIES))
    def somebody_asks_first(self, policy: str) -> None:
        self.somebody_asks(policy, is_by_event=False, trouble=None)

    @rule(policy=st.sampled_from(POLICIES), is_by_event=st.booleans(), trouble=st.none() | troubles)
    def somebody_asks(self, policy: str, is_by_event: bool, trouble: Trouble | None) -> None:
        if trouble:
            self._ordain(trouble)
        number = len(self.wishes) + 1
        wish = wish_of(number)
        if is_by_event:
            wish = wish_of(0, role=None, is_by_event=True, cause="pull_request.opened")
        self._accept(self.automations[policy], wish)

    @rule(pick=picks)
    @where(lambda self: self.wishes)
    def a_comment_is_delivered_again(self, pick: int) -> None:
        automation, wish, run = self.wishes[-1 - pick % len(self.wishes)]
        if wish.comment_id:
            made = self.world.accept(automation, wish)
            assert made is None or made.id == run.id

    @rule(pick=picks)
    @where(lambda self: self.wishes)
    def somebody_retries(self, pick: int) -> None:
        automation, _, run = self._pick(pick)
        self._accept(automation, again(run, role=wish_of(0).role, comment_id=len(self.wishes) + 1))

    @rule(pick=picks)
    @where(lambda self: self.wishes)
    def somebody_cancels(self, pick: int) -> None:
        _, _, run = self._pick(pick)
        self.world.do(self.world.process.driver.stop(run, "@bob"))

    # What runs do

    @rule(pick=picks, code=st.sampled_from([0, 0, 3]))
    @where(lambda self: self.world.machine.running())
    def an_entrypoint_ends(self, pick: int, code: int) -> None:
        running = self.world.machine.running()
        self.world.machine.end(running[pick % len(running)], Cause.EXITED, code)
        self.world.settle()

    @rule(pick=picks, has_failed=st.booleans())
    @where(lambda self: self.wishes)
    def a_run_calls_back(self, pick: int, has_failed: bool) -> None:
        _, _, run = self._pick(pick)
        if has_failed:
            self.reported.add(run.id)

        async def call() -> None:
            process = self.world.process
            note = note_of(Completion(has_failed, "boom"))
            await process.bot.store.facts.put(f"completion {run.id}", note)
            process.driver.wake(run.id)

        self.world.do(call())

    # What befalls the bot and what it depends on

    @rule(trouble=troubles)
    @where(lambda self: self.wishes)
    def a_call_will_go_wrong(self, trouble: Trouble) -> None:
        self._ordain(trouble)

    @rule(side=st.sampled_from(Side))
    def somebody_does_not_answer(self, side: Side) -> None:
        self.had_trouble = True
        # A creation that has been tried for long can meet that of the next driver: see `RunCheck.conclude`.
        self.may_have_twins |= side is Side.GITHUB
        self.world.ports.away.add(side)

    @rule()
    @where(lambda self: self.world.ports.away)
    def all_answer_again(self) -> None:
        self.world.ports.away.clear()
        self.world.settle()

    @rule()
    @where(lambda self: self.world.machine.jobs)
    def the_server_restarts(self) -> None:
        self.world.machine.restart()
        self.world.settle()

    @rule()
    @where(lambda self: self.world.machine.jobs)
    def the_server_forgets_everything(self) -> None:
        self.world.machine.forget()
        self.world.settle()

    @rule()
    @where(lambda self: self.wishes)
    def the_bot_is_killed(self) -> None:
        self.world.kill()

    @rule()
    @where(lambda self: self.wishes)
    def the_bot_is_restarted(self) -> None:
        self.world.stop()

    @rule()
    def another_driver_comes_or_goes(self) -> None:
        self.may_have_twins = True
        self.world.second_driver()

    @rule(seconds=st.sampled_from([1, 10, 40, 200]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule()
    @where(lambda self: self.wishes)
    def very_much_time_passes(self) -> None:
        self.world.passes(5000)

    # What holds

    @invariant()
    def no_entrypoint_is_started_twice(self) -> None:
        assert all(count == 1 for count in self.world.machine.started.values())

    @invariant()
    def what_has_ended_stays_as_it_ended(self) -> None:
        for run in self.world.runs().values():
            if run.id in self.ends:
                assert run.end == self.ends[run.id], "a verdict was taken back"
            elif run.end is not None:
                self.ends[run.id] = run.end
        for check in self.world.hub.repository.checks():
            if check.id in self.told:
                assert (check.status, check.conclusion) == ("completed", self.told[check.id])
            elif check.is_completed:
                self.told[check.id] = check.conclusion

    @invariant()
    def each_run_has_one_check_at_the_most(self) -> None:
        if self.may_have_twins:
            return
        names = [check.external_id for check in self.world.hub.repository.checks()]
        assert len(set(names)) == len(names)

    def teardown(self) -> None:
        try:
            self._heal()
            for run in self.world.runs().values():
                self._is_told_as_it_was(run)
            assert self.world.machine.running() == [], "something goes on that nobody looks after"
        finally:
            self.world.close()
            self.directory.cleanup()

    def _heal(self) -> None:
        """Nothing is in the way any more: all that was accepted comes to its end by itself."""
        self.world.ports.heal()
        self.world.second_driver(stays=False)
        for _ in range(HEALED_WITHIN):
            for job in self.world.machine.running():
                self.world.machine.end(job, Cause.EXITED, 0)
            self.world.passes(60)
            runs = self.world.runs()
            if all(run.state is State.ENDED for run in runs.values()):
                break
        assert {run.id for _, _, run in self.wishes} <= runs.keys()
        assert {run.state for run in runs.values()} <= {State.ENDED}
        # Those that were lost may still be there: they are ended when their server is back.
        self.world.passes(60)
        self.what_has_ended_stays_as_it_ended()
        self.each_run_has_one_check_at_the_most()
        self.no_entrypoint_is_started_twice()

    def _is_told_as_it_was(self, run: Run) -> None:
        assert run.end is not None
        key = str(keys_of(run, "instance"))
        checks = [each for each in self.world.hub.repository.checks() if each.external_id == key]
        assert {each.conclusion for each in checks} == {run.end.conclusion.value}
        assert TRUE.get(run.end.reason, _never)(self, run), (run.end, self.world.machine.ends.get(run.id))

    def _ordain(self, trouble: Trouble) -> None:
        self.had_trouble = True
        self.world.ports.ordain(*trouble)

    def _accept(self, automation: Automation, wish: Wish) -> None:
        known = self.world.runs()
        run = self.world.accept(automation, wish)
        if run is not None and run.id not in known:
            self.wishes.append((automation, wish, run))

    def _pick(self, pick: int) -> tuple[Automation, Wish, Run]:
        return self.wishes[-1 - pick % len(self.wishes)]

    def exited(self, run: Run, *codes: int) -> bool:
        end = self.world.machine.ends.get(run.id)
        return end is not None and end.cause is Cause.EXITED and end.exit_code in codes

    def was_stopped(self, run: Run) -> bool:
        """It was, or nobody could see whether it was."""
        end = self.world.machine.ends.get(run.id)
        is_lost = run.id in self.world.machine.forgotten or self.had_trouble
        return bool(run.stop_by) and (end is None or end.cause in STOPPED or is_lost)

    def timed_out(self, run: Run) -> bool:
        end = self.world.machine.ends.get(run.id)
        return end is not None and end.cause is Cause.TIMED_OUT

    def was_forgotten(self, run: Run) -> bool:
        return run.id in self.world.machine.forgotten

    def may_be_lost(self, _: Run) -> bool:
        return self.had_trouble


def _never(_machine: LivesOfRuns, _run: Run) -> bool:
    """A reason that nothing here gives cause for."""
    return False


TRUE: dict[Reason, Callable[[LivesOfRuns, Run], bool]] = {
    Reason.OK: lambda machine, run: machine.exited(run, 0),
    Reason.REPORTED: lambda machine, run: machine.exited(run, 0) and run.id in machine.reported,
    Reason.EXIT_CODE: lambda machine, run: machine.exited(run, 3),
    Reason.TIMED_OUT: LivesOfRuns.timed_out,
    Reason.CANCELLED: LivesOfRuns.was_stopped,
    Reason.SUPERSEDED: LivesOfRuns.was_stopped,
    Reason.RUN_LOST: LivesOfRuns.was_forgotten,
    Reason.SERVER_LOST: LivesOfRuns.may_be_lost,
    Reason.GITHUB_LOST: LivesOfRuns.may_be_lost,
}
"""What has to have happened for a run to be told as ended for this reason."""

BRIEF = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(BRIEF, max_examples=60, stateful_step_count=50, derandomize=False)


@pytest.mark.timeout(600)
def test_some_lives() -> None:
    run_state_machine_as_test(LivesOfRuns, settings=BRIEF)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_many_lives() -> None:
    run_state_machine_as_test(LivesOfRuns, settings=LONG)

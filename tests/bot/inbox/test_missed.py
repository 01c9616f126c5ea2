"""What GitHub has sent and nobody has stored is taken in, once, in the order in which it was sent."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automation.errors import AutomationError
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from bot.contact import Contact
from bot.deeds import Deeds
from bot.github import hook as hook_module
from bot.github.hook import Attempt, Hook
from bot.inbox import Inbox, MissedDeliveries, put_off
from bot.inbox import missed as module
from bot.inbox.missed import missing, places
from bot.metrics import Metrics
from bot.store.store import Store
from tests.bot.runs.place import quick_keys
from tests.fakes.github.apps import App
from tests.fakes.github.server import FakeGitHub
from tests.server_process import free_port
from tests.teller import eventually

COMMENT = {"action": "created", "repository": {"full_name": "octo/demo"}, "issue": {"number": 7}}


def attempt(number: int, guid: str = "", *, event: str = "issue_comment", action: str = "created") -> Attempt:
    return Attempt(number, guid or f"guid-{number}", event, action, 1000.0 + number, is_received=False)


class TestWhatIsFetched:
    @pytest.mark.parametrize(
        ("event", "action", "may"), [("push", "", True), ("check_run", "created", False)]
    )
    def test_only_what_may_ask_for_something(self, event: str, action: str, may: bool) -> None:
        assert bool(missing([attempt(1, event=event, action=action)], ())) is may

    def test_each_delivery_once_in_the_order_in_which_it_was_sent(self) -> None:
        listed = [attempt(9, "b"), attempt(8, "a"), attempt(7, "b"), attempt(3, "c"), attempt(2, "a")]
        assert [each.id for each in missing(listed, ())] == [2, 3, 7]

    def test_what_is_known_is_left_alone_whatever_github_says(self) -> None:
        assert missing([attempt(2, "a"), attempt(1, "b")], {"a", "b"}) == []

    def test_what_was_missed_has_its_place_behind_what_was_received_before_it_in_the_same_second(
        self,
    ) -> None:
        listed = [replace(attempt(number, name), at=1000.0) for number, name in enumerate("abcd", 1)]
        placed = places(listed, {"b": 1000.7, "d": 1000.9})
        assert placed == {"a": 1000.0, "b": 1000.7, "c": 1000.7, "d": 1000.9}

    def test_what_was_received_when_it_was_sent_again_puts_nobody_back(self) -> None:
        assert places([attempt(1, "a"), attempt(2, "b"), attempt(600, "a")], {"a": 1600.5})["b"] == 1002.0

    def test_what_is_sent_again_keeps_the_place_of_its_first_attempt(self) -> None:
        assert places([attempt(9, "a"), attempt(5, "b"), attempt(2, "a")], {"b": 1005.5})["a"] == 1002.0


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_keys():
        yield


@pytest.fixture
def app(github: FakeGitHub, tmp_path: Path) -> App:
    """An App whose webhook nobody answers."""
    app = github.app("demo-bot", {"checks": "write"}, owner="octo")
    app.hook(f"http://127.0.0.1:{free_port()}/webhook", "0123456789abcdef")
    return app


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{tmp_path / 'bot.db'}") as store:
        yield store


type Reading = Callable[[], MissedDeliveries]


@pytest.fixture
async def reading(github: FakeGitHub, app: App, store: Store) -> AsyncIterator[Reading]:
    """A reader, as of a process that has just been started."""
    with closing(Hook(github.url, app.id, app.private_key)) as hook:
        async with Inbox.open(store.database, lambda *_: True) as inbox:
            metrics = Metrics()
            yield lambda: MissedDeliveries(hook, store, inbox, metrics, Deeds(store, metrics))


def send(app: App, *actions: str, event: str = "issue_comment") -> list[str]:
    """GitHub sends these; nobody answers."""
    return [app.post(event, COMMENT | {"action": action}).wait().guid for action in actions]


async def begins(reading: Reading, github: FakeGitHub) -> None:
    """The bot is there for the first time."""
    await reading().read()
    github.advance(2)


async def stored(store: Store) -> list[str]:
    """GUIDs of requests, in the order in which they are dealt with."""
    found = []
    while due := await store.requests.due(10**12, each=1):
        found += [each.delivery for each in due]
        for each in due:
            await store.requests.done(each.id)
    return found


async def test_a_new_bot_takes_in_nothing_from_before_it_was_there(
    app: App, store: Store, reading: Reading, github: FakeGitHub
) -> None:
    github.advance(-10)
    send(app, "created", "created")
    github.advance(10)
    assert await reading().read() == 0
    later = send(app, "created")
    assert await reading().read() == 1
    assert await stored(store) == later


async def test_what_came_before_the_first_reading_worked_is_taken_in(
    app: App, store: Store, reading: Reading, github: FakeGitHub
) -> None:
    github.fault("GET", "/app/hook/deliveries", status=404)
    with pytest.raises(GitHubRefuses):
        await begins(reading, github)
    github.advance(2)
    sent = send(app, "created")
    assert await reading().read() == 1
    assert await stored(store) == sent


async def test_what_came_while_nobody_was_there_is_taken_in_once_and_in_order(
    app: App, store: Store, reading: Reading, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_module, "PER_PAGE", 10)
    await begins(reading, github)
    sent = send(app, *(["created"] * 50))
    send(app, "created", event="status")
    first = reading()
    assert await first.read() == 50
    assert b'deliveries_recovered_total{event="issue_comment"} 50.0' in first.metrics.text()
    assert [await reading().read(), await first.read()] == [0, 0]
    assert await stored(store) == sent


async def test_what_was_stored_is_not_taken_again_although_github_calls_it_failed(
    app: App, store: Store, reading: Reading, github: FakeGitHub
) -> None:
    await begins(reading, github)
    reader = reading()
    [guid] = send(app, "created")
    assert await reader.inbox.take(guid, "issue_comment", COMMENT, b"{}")
    assert await reader.read() == 0
    assert len(await stored(store)) == 1


async def test_what_is_sent_again_counts_once(
    app: App, store: Store, reading: Reading, github: FakeGitHub
) -> None:
    await begins(reading, github)
    [guid] = send(app, "created")
    app.redeliver(guid).wait()
    assert await reading().read() == 1
    assert await stored(store) == [guid]


async def test_what_arrives_late_has_its_place_by_when_it_was_sent(
    app: App, store: Store, reading: Reading, github: FakeGitHub
) -> None:
    await begins(reading, github)
    [before] = send(app, "created")
    reader = reading()
    after = "5b0a1f5e-0000-4000-8000-000000000001"
    assert await reader.inbox.take(after, "issue_comment", COMMENT, b"{}", sent_at=2 * 10**9)
    assert await reader.read() == 1
    assert await stored(store) == [before, after]


@pytest.mark.parametrize("at", ["list", "payload", "storing"])
async def test_what_could_not_be_read_or_stored_now_is_read_again(
    app: App, store: Store, reading: Reading, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    await begins(reading, github)
    sent = send(app, "created", "created")
    reader = reading()

    async def fail(*_: object, **__: object) -> Any:
        raise GitHubUnavailable("not now")

    with monkeypatch.context() as patch:
        match at:
            case "list":
                patch.setattr(Hook, "attempts", fail)
            case "payload":
                patch.setattr(Hook, "payload", fail)
            case _:
                patch.setattr(Inbox, "take", fail)
        with pytest.raises(AutomationError, match="not now"):
            await reader.read()
    assert await reader.read() == 2
    assert await stored(store) == sent


async def test_what_is_not_kept_any_more_is_given_up_and_the_rest_taken(
    app: App,
    store: Store,
    reading: Reading,
    github: FakeGitHub,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await begins(reading, github)
    lost, kept = send(app, "created", "created")
    payload = Hook.payload

    async def some(hook: Hook, attempt: Attempt) -> dict[str, Any]:
        if attempt.guid == lost:
            raise GitHubRefuses("Not Found", status=404)
        return await payload(hook, attempt)

    monkeypatch.setattr(Hook, "payload", some)
    assert await reading().read() == 1
    assert f"issue_comment {lost} is lost" in caplog.text
    assert await stored(store) == [kept]


async def test_what_github_lists_and_does_not_give_holds_up_the_others_for_some_readings_only(
    app: App, store: Store, reading: Reading, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READINGS", 3)
    await begins(reading, github)
    lost, kept = send(app, "created", "created")
    payload = Hook.payload

    async def some(hook: Hook, attempt: Attempt) -> dict[str, Any]:
        if attempt.guid == lost:
            raise GitHubUnavailable("GitHub answers with 502")
        return await payload(hook, attempt)

    monkeypatch.setattr(Hook, "payload", some)
    reader = reading()
    for _ in range(2):
        with pytest.raises(GitHubUnavailable):
            await reader.read()
        assert await stored(store) == []
    assert await reader.read() == 1
    assert await stored(store) == [kept]
    monkeypatch.setattr(module, "OVERLAP", -3600.0)
    monkeypatch.setattr(module, "LONG_EVERY", 3600.0)
    assert await reader.read() == 0
    monkeypatch.setattr(Hook, "payload", payload)
    assert await reader.read() == 1
    assert await store.deliveries.known([kept, lost]) == {kept, lost}
    assert await reader.read() == 0


type Holding = Callable[..., None]


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> Holding:
    """Has GitHub list these GUIDs and not give them; it gives what is not among them. Each is put off at once."""
    monkeypatch.setattr(module, "READINGS", 1)
    payload = Hook.payload

    def hold(*held: str, error: GitHubUnavailable | None = None) -> None:
        async def some(hook: Hook, attempt: Attempt) -> dict[str, Any]:
            if attempt.guid in held:
                raise error or GitHubUnavailable("GitHub answers with 502")
            return await payload(hook, attempt)

        monkeypatch.setattr(Hook, "payload", some)

    return hold


class TestWhatIsLeftForLater:
    """It is asked for by whoever reads the list next, however far that has been read on meanwhile."""

    @pytest.fixture
    async def held(self, app: App, reading: Reading, github: FakeGitHub, holding: Holding) -> str:
        """One that was put off, by a reader that is gone, and hours ago for the list."""
        await begins(reading, github)
        [held] = send(app, "created")
        holding(held)
        assert await reading().read() == 0
        github.advance(3 * module.LONG_OVERLAP)
        send(app, "created")
        assert await reading().read() == 1
        return held

    async def test_it_is_taken_in_once(
        self, store: Store, reading: Reading, holding: Holding, held: str
    ) -> None:
        assert held not in await stored(store)
        holding()
        assert [await reading().read() for _ in range(2)] == [1, 0]
        assert await stored(store) == [held]

    async def test_it_holds_up_nobody_again(
        self,
        app: App,
        store: Store,
        reading: Reading,
        holding: Holding,
        monkeypatch: pytest.MonkeyPatch,
        held: str,
    ) -> None:
        monkeypatch.setattr(module, "READINGS", 2)
        await stored(store)
        later = send(app, "created")
        assert await reading().read() == 1
        assert await stored(store) == later
        holding()
        assert await reading().read() == 1

    async def test_what_has_arrived_meanwhile_is_not_repeated(
        self, store: Store, reading: Reading, holding: Holding, held: str
    ) -> None:
        reader = reading()
        assert await reader.inbox.take(held, "issue_comment", COMMENT, b"{}")
        holding()
        assert await reader.read() == 0
        assert await store.facts.get(put_off.PUT_OFF) == "[]"

    async def test_what_is_gone_is_asked_for_no_more(
        self, store: Store, reading: Reading, holding: Holding, held: str
    ) -> None:
        holding(held, error=GitHubRefuses("Not Found", status=404))
        reader = reading()
        assert [await reader.read() for _ in range(2)] == [0, 0]
        assert await store.facts.get(put_off.PUT_OFF) == "[]"

    async def test_what_is_older_than_anything_that_github_keeps_is_lost(
        self,
        store: Store,
        reading: Reading,
        github: FakeGitHub,
        caplog: pytest.LogCaptureFixture,
        held: str,
    ) -> None:
        github.advance(put_off.KEPT)
        await reading().read()
        assert f"issue_comment {held} is lost" in caplog.text
        assert await store.facts.get(put_off.PUT_OFF) == "[]"

    async def test_where_there_are_too_many_the_next_one_is_waited_for(
        self, app: App, reading: Reading, holding: Holding, monkeypatch: pytest.MonkeyPatch, held: str
    ) -> None:
        """Each costs a request with each reading."""
        monkeypatch.setattr(put_off, "MOST", 1)
        [another] = send(app, "created")
        holding(held, another)
        reader = reading()
        with pytest.raises(GitHubUnavailable):
            await reader.read()
        holding(another)
        with pytest.raises(GitHubUnavailable):
            await reader.read()
        assert await reader.read() == 0
        holding()
        assert await reading().read() == 1

    @pytest.mark.parametrize("form", [{"guid": "another"}, {"at": "yesterday"}, "another", None])
    async def test_one_of_a_form_that_is_not_known_is_named_once_and_left_out(
        self,
        store: Store,
        reading: Reading,
        holding: Holding,
        caplog: pytest.LogCaptureFixture,
        held: str,
        form: Any,
    ) -> None:
        [entry] = json.loads(await store.facts.get(put_off.PUT_OFF) or "")
        await store.facts.put(put_off.PUT_OFF, json.dumps([form, entry | {"tries": 3}]))
        reader = reading()
        assert [await reader.read() for _ in range(2)] == [0, 0]
        assert caplog.text.count("cannot be read") == 1
        assert str(form) in caplog.text
        holding()
        assert await reader.read() == 1
        assert held in await stored(store)
        await reader.read()
        left = json.loads(await store.facts.get(put_off.PUT_OFF) or "")
        assert left == [form], "whoever has written it may be back"

    @pytest.mark.parametrize("fact", ["none", "{}", '{"version": 2}'])
    async def test_where_all_of_it_is_of_another_form_the_list_is_read_all_the_same(
        self, app: App, store: Store, reading: Reading, held: str, fact: str
    ) -> None:
        await store.facts.put(put_off.PUT_OFF, fact)
        await stored(store)
        later = send(app, "created")
        assert await reading().read() == 1
        assert await stored(store) == later


async def test_who_waits_for_it_waits_no_longer_than_he_wants(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reading()
    await reader.wait(0.01)
    assert not reader.caught_up.is_set()


async def test_it_goes_on_where_github_is_away(
    app: App, store: Store, reading: Reading, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONG_OVERLAP", 3600.0)
    reader = reading()
    reader.every = 0.05
    github.fault("GET", "/app/hook/deliveries", status=503)
    task = asyncio.create_task(reader.read_for_ever())
    await asyncio.wait_for(reader.caught_up.wait(), 10)
    while await store.facts.get(module.READ_UNTIL) is None:
        await asyncio.sleep(0.02)
    send(app, "created")
    while not await store.requests.due(10**12):
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_how_github_answers_is_known_to_who_asks_it(reading: Reading, github: FakeGitHub) -> None:
    reader = reading()
    reader.every = 0.05
    asked = github.fault("GET", "/app/hook/deliveries", status=401, times=3)
    task = asyncio.create_task(reader.read_for_ever())
    await eventually(lambda: isinstance(reader.github.error, GitHubRefuses))
    await eventually(lambda: reader.github.error is None)
    assert asked.hits == 3
    github.fault("GET", "/app/hook/deliveries", status=503, times=None)
    await eventually(lambda: reader.github.error is not None)
    assert not isinstance(reader.github.error, GitHubRefuses)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert reader.github == Contact()


@pytest.mark.parametrize("hours", [1, -1])
async def test_where_clocks_are_apart_what_was_missed_is_due_now_and_has_its_place(
    app: App, store: Store, reading: Reading, github: FakeGitHub, hours: float
) -> None:
    github.advance(hours * 3600)
    await begins(reading, github)
    [before] = send(app, "created")
    github.advance(30)
    reader = reading()
    after = "5b0a1f5e-0000-4000-8000-000000000001"
    assert await reader.inbox.take(after, "issue_comment", COMMENT, b"{}")
    assert await reader.read() == 1
    assert [each.delivery for each in await store.requests.due(time.time() + 5)] == [before]
    assert await stored(store) == [before, after]


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_new_bot_whose_clock_is_wrong_takes_in_what_comes_from_then_on(
    app: App, store: Store, reading: Reading, github: FakeGitHub, hours: float
) -> None:
    github.advance(hours * 3600)
    send(app, "created")
    github.advance(20)
    await begins(reading, github)
    sent = send(app, "created")
    assert await reading().read() == 1
    assert await stored(store) == sent

"""A run's word wakes whoever drives it and can only make its verdict worse; health says what is; metrics are the operator's."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from automation.errors import ServerUnavailable
from automation.github import GitHubRefuses, GitHubUnavailable
from automation.reasons import Conclusion, Reason
from bot import endpoints as module
from bot.callback import callback_url
from bot.disk import FULL, LEAST_FREE
from bot.endpoints import LIMIT, endpoints
from bot.inbox import Inbox
from bot.runs.live import LiveRun
from bot.runs.run import Run, State
from bot.store.errors import DatabaseUnavailable
from bot.trouble import Cause
from bot.vault import Vault, new_key
from tests.bot.runs.place import NOWHERE, OPERATOR, Place, opened
from tests.bot.store.rows import SUCCESS
from tests.fakes.github.server import FakeGitHub
from tests.servers import RealServer
from tests.teller import eventually

FAILED = {"status": "FAILED", "error": {"code": "Boom", "detail": "it broke"}}
COMPLETED = {"status": "COMPLETED"}


@pytest.fixture
async def place(github: FakeGitHub, server: RealServer, tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(tmp_path, github, server) as place:
        yield place


@pytest.fixture
async def inbox(place: Place) -> AsyncIterator[Inbox]:
    async with Inbox.open(place.bot.store.database, lambda *_: True) as inbox:
        yield inbox


@pytest.fixture
async def http(place: Place, inbox: Inbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=endpoints(place.bot, place.driver, inbox)))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.test", timeout=20) as http:
        yield http


@pytest.fixture
async def run(place: Place) -> Run:
    run = place.a_run(state=State.RUNNING)
    assert await place.bot.store.runs.add(run)
    return run


async def said(place: Place, run: Run) -> Any:
    note = await place.bot.store.facts.get(f"completion {run.id}")
    return None if note is None else json.loads(note)


def woken(place: Place, run: Run) -> bool:
    return run.id in place.driver._pokes


class TestCallback:
    async def test_failed_is_kept_and_wakes(self, place: Place, http: httpx.AsyncClient, run: Run) -> None:
        answer = await http.post(callback_url(place.bot, run.id), json=FAILED)
        assert (answer.status_code, answer.json()) == (200, {"id": str(run.id), "status": "RUNNING"})
        assert await said(place, run) == {"has_failed": True, "error": "Boom: it broke"}
        assert woken(place, run)

    async def test_completed_wakes_and_proves_nothing(
        self, place: Place, http: httpx.AsyncClient, run: Run
    ) -> None:
        answer = await http.post(callback_url(place.bot, run.id), json=COMPLETED)
        assert answer.status_code == 200
        assert await said(place, run) is None
        assert woken(place, run)
        assert await place.now(run) == run

    async def test_failed_is_not_taken_back(self, place: Place, http: httpx.AsyncClient, run: Run) -> None:
        for document in (FAILED, COMPLETED):
            await http.post(callback_url(place.bot, run.id), json=document)
        assert (await said(place, run))["has_failed"]

    async def test_one_that_is_driven_here_is_looked_at_at_once(
        self, place: Place, http: httpx.AsyncClient, run: Run
    ) -> None:
        live = LiveRun(run)
        place.driver._driven[run.id] = type("Driven", (), {"live": live})()
        await http.post(callback_url(place.bot, run.id), json=COMPLETED)
        assert live.attention.drawn.is_set()
        del place.driver._driven[run.id]

    @pytest.mark.parametrize("authorization", ["", "Bearer something", "Basic eDp5"])
    async def test_both_of_the_sdks_senders_are_heard(
        self, place: Place, http: httpx.AsyncClient, run: Run, authorization: str
    ) -> None:
        headers = {"authorization": authorization} if authorization else {}
        answer = await http.post(callback_url(place.bot, run.id), json=COMPLETED, headers=headers)
        assert answer.status_code == 200

    async def test_a_key_that_is_rotated_still_opens(
        self, place: Place, http: httpx.AsyncClient, run: Run
    ) -> None:
        url = callback_url(place.bot, run.id)
        old = place.bot.settings.secret_keys
        place.bot.vault = Vault([new_key(), *old])
        assert (await http.post(url, json=COMPLETED)).status_code == 200
        place.bot.vault = Vault([new_key()])
        assert (await http.post(url, json=COMPLETED)).status_code == 404

    async def test_nobody_elses_token_opens(self, place: Place, http: httpx.AsyncClient, run: Run) -> None:
        other = urlsplit(callback_url(place.bot, uuid4())).query
        path = urlsplit(callback_url(place.bot, run.id)).path
        for query in ("", "t=", "t=0", other, "token=x", "t=%FF%00", "t=gr%C3%B6%C3%9Fe"):
            answer = await http.post(f"{path}?{query}", json=FAILED)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not found"})
        assert await said(place, run) is None
        assert not woken(place, run)

    async def test_a_run_that_nobody_knows(self, place: Place, http: httpx.AsyncClient) -> None:
        assert (await http.post(callback_url(place.bot, uuid4()), json=FAILED)).status_code == 404
        assert (await http.post("/api/v1/runs/not-an-id/complete?t=x", json=FAILED)).status_code == 404

    @pytest.mark.parametrize("state", [State.CONCLUDING, State.ENDED])
    async def test_one_that_is_over(self, place: Place, http: httpx.AsyncClient, state: State) -> None:
        run = place.a_run(state=state, end=SUCCESS)
        assert await place.bot.store.runs.add(run)
        answer = await http.post(callback_url(place.bot, run.id), json=FAILED)
        assert answer.status_code == 409
        assert answer.json()["detail"] == f"Run is {state.value}, expected running"
        assert await said(place, run) is None

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff",
            b"null",
            b"[]",
            b'{"status": "RUNNING"}',
            b'{"state": "FAILED"}',
            b"[" * 50_000,
            b'{"status": "FAILED", "error": "' + b"x" * LIMIT + b'"}',
        ],
        ids=lambda body: repr(body[:20]),
    )
    async def test_what_is_no_completion(
        self, place: Place, http: httpx.AsyncClient, run: Run, body: bytes
    ) -> None:
        answer = await http.post(callback_url(place.bot, run.id), content=body)
        assert answer.status_code == 422
        assert "COMPLETED" in answer.json()["detail"]
        assert not woken(place, run)

    async def test_what_is_just_not_too_long_is_cut(
        self, place: Place, http: httpx.AsyncClient, run: Run
    ) -> None:
        document = {"status": "FAILED", "error": "x" * (LIMIT - 100)}
        assert (await http.post(callback_url(place.bot, run.id), json=document)).status_code == 200
        assert len((await said(place, run))["error"]) <= 1000

    async def test_a_database_that_is_away(
        self, place: Place, http: httpx.AsyncClient, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: object) -> None:
            raise DatabaseUnavailable("the disk is full")

        monkeypatch.setattr(place.bot.store.facts, "put", fail)
        answer = await http.post(callback_url(place.bot, run.id), json=FAILED)
        assert answer.status_code == 503
        assert not woken(place, run)

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    async def test_it_is_only_posted(
        self, place: Place, http: httpx.AsyncClient, run: Run, method: str
    ) -> None:
        assert (await http.request(method, callback_url(place.bot, run.id))).status_code == 405


async def test_a_real_runs_word_makes_its_success_a_failure(
    place: Place, http: httpx.AsyncClient, server: RealServer
) -> None:
    place.automation("echo started; sleep 2; echo ended")
    async with place.driver.driving():
        run = await place.add()
        await place.reaches(run, State.RUNNING)
        assert (await http.post(callback_url(place.bot, run.id), json=FAILED)).status_code == 200
        ended = await place.reaches(run, State.ENDED)
    assert ended.end is not None
    assert (ended.end.conclusion, ended.end.reason) == (Conclusion.FAILURE, Reason.REPORTED)
    assert "Boom: it broke" in ended.end.sentence


async def test_it_lives(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).text == "ok\n"


async def causes(http: httpx.AsyncClient, status: int) -> dict[str, str]:
    """What /readyz says, by cause."""
    answer = await http.get("/readyz")
    document = answer.json()
    assert (answer.status_code, document["ready"]) == (status, status == 200)
    assert all(each["severity"] in {"error", "warning"} for each in document["causes"])
    assert document["ready"] == all(each["severity"] == "warning" for each in document["causes"])
    return {each["cause"]: each["sentence"] for each in document["causes"]}


async def test_it_is_ready_while_it_sweeps_and_takes(
    place: Place, http: httpx.AsyncClient, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(await causes(http, 503)) == ["sweep"]
    async with place.driver.driving():
        await eventually(lambda: place.driver.is_sweeping)
        assert await causes(http, 200) == {}

        async def fail(*_: object) -> None:
            raise DatabaseUnavailable(f"the disk of {OPERATOR} is full")

        monkeypatch.setattr(place.bot.store.facts, "get", fail)
        inbox.close()
        said = await causes(http, 503)
    assert list(said) == ["shutting-down", "database"]
    assert said["database"] == "the database cannot be used now; the log says why"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (GitHubRefuses("HTTP 401", status=401), "github-refuses"),
        (GitHubUnavailable("HTTP 502"), "github-unreachable"),
    ],
)
async def test_github_that_is_away_is_a_warning(
    place: Place, http: httpx.AsyncClient, error: GitHubUnavailable, cause: str
) -> None:
    async with place.driver.driving():
        await eventually(lambda: place.driver.is_sweeping)
        place.bot.contacts.github.failed(error)
        assert list(await causes(http, 200)) == [cause]
        place.bot.contacts.github.answered()
        assert await causes(http, 200) == {}


@pytest.mark.parametrize(
    ("free", "cause", "status"),
    [(LEAST_FREE, None, 200), (LEAST_FREE - 1, "disk-low", 200), (FULL - 1, "disk-full", 503)],
)
async def test_a_disk_that_fills_up(
    place: Place,
    http: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    cause: str | None,
    status: int,
) -> None:
    place.bot.settings = replace(place.bot.settings, database_url=f"sqlite:///{place.bot.workspace}/bot.db")
    async with place.driver.driving():
        await eventually(lambda: place.driver.is_sweeping)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        # Temporary files are on a disk, too.
        assert set(await causes(http, status)) == ({cause, "disk-low"} if cause else set())


async def test_temporary_files_need_room_where_the_database_is_elsewhere(
    place: Place, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.bot.settings = replace(place.bot.settings, database_url="postgresql://db.test/bot")
    async with place.driver.driving():
        await eventually(lambda: place.driver.is_sweeping)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        assert list(await causes(http, 200)) == ["disk-low"]


async def test_what_is_wrong_is_a_metric(place: Place, http: httpx.AsyncClient) -> None:
    place.bot.contacts.server.failed(ServerUnavailable("away"))
    answer = await http.get("/metrics", headers={"authorization": f"Bearer {OPERATOR}"})
    said = dict(re.findall(r'automation_bot_troubles\{cause="([a-z-]+)"\} ([01])', answer.text))
    assert set(said) == set(Cause)
    assert {cause for cause, value in said.items() if value == "1"} == {"sweep", "agent-server-unreachable"}


@pytest.mark.parametrize(
    ("operator", "authorization", "status"),
    [
        (OPERATOR, f"Bearer {OPERATOR}", 200),
        (OPERATOR, "", 404),
        (OPERATOR, "Bearer ", 404),
        (OPERATOR, f"Bearer {OPERATOR}x", 404),
        (OPERATOR, "Bearer größe", 404),
        ("", "Bearer ", 404),
        ("", "", 404),
    ],
)
async def test_metrics_are_the_operators(
    place: Place, http: httpx.AsyncClient, operator: str, authorization: str, status: int
) -> None:
    place.bot.settings = replace(place.bot.settings, operator_token=operator)
    answer = await http.get("/metrics", headers={b"authorization": authorization.encode()})
    assert answer.status_code == status
    assert ("automation_bot_deliveries_waiting 0.0" in answer.text) is (status == 200)


async def test_the_sdks_version_is_the_servers(
    place: Place, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for once in a while, however many want to know."""
    monkeypatch.setattr(module, "FRESH", 0.5)
    answer = await http.get("/api/v1/sdk-version")
    assert answer.status_code == 200
    assert answer.json()["version"]
    core = replace(place.bot.settings.core, agent_server_url=NOWHERE)
    place.bot.settings = replace(place.bot.settings, core=core)
    assert (await http.get("/api/v1/sdk-version")).json() == answer.json()
    await asyncio.sleep(0.5)
    assert (await http.get("/api/v1/sdk-version")).status_code == 503

"""Odd answers of the Cloud API: each is told apart into what may pass, what will not, and which limit it was."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from automation.cloud import (
    Cloud,
    CloudAuth,
    CloudRefuses,
    CloudUnavailable,
    Sandbox,
    SandboxLimit,
    SandboxStatus,
    account_of,
)
from automation.cloud.client import LIMITED_FOR, LONGEST_WAIT
from automation.errors import AutomationError
from automation.exit_codes import Exit, exit_code
from tests.http_edge import OddAnswer, error_of

URL = "https://cloud.example"
KEY = "the-cl0ud-key"
HTML = "<!DOCTYPE html><html><body>Welcome to <b>nginx</b>!</body></html>"
STARTING = {
    "id": "18HWllHllep3I8qTJu7S8s",
    "created_by_user_id": None,
    "sandbox_spec_id": "image:1.34.0",
    "status": "STARTING",
    "session_api_key": None,
    "exposed_urls": None,
    "created_at": "2026-11-22T20:52:55.538947Z",
}
ID = str(STARTING["id"])
RUNNING = STARTING | {
    "status": "RUNNING",
    "session_api_key": "bJHe5G6U",
    "exposed_urls": [
        {"name": "VSCODE", "url": "https://code.example/", "port": 60001},
        {"name": "AGENT_SERVER", "url": "https://agent.example/", "port": 60000},
    ],
}

type Call = Callable[[Cloud], Awaitable[object]]

CALLS: dict[str, Call] = {
    "create": lambda cloud: cloud.create(),
    "get": lambda cloud: cloud.get(ID),
    "search": lambda cloud: cloud.search(),
    "resume": lambda cloud: cloud.resume(ID),
    "delete": lambda cloud: cloud.delete(ID),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
every_reading_call = pytest.mark.parametrize("call", [CALLS[name] for name in ("create", "get", "search")])


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    async with Cloud(account_of(URL, KEY)) as cloud:
        yield cloud


@pytest.fixture
def edge() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as edge:
        yield edge


async def refused[E: AutomationError](
    kind: type[E], call: Call, cloud: Cloud, edge: respx.MockRouter, answer: OddAnswer
) -> E:
    """What the call fails with on this answer."""
    error = await error_of(kind, lambda: call(cloud), edge, answer, url=URL, key=KEY)
    assert exit_code(error.reason) is Exit.SERVER
    return error


@every_call
@pytest.mark.parametrize("code", [401, 403])
async def test_a_wrong_key(cloud: Cloud, edge: respx.MockRouter, call: Call, code: int) -> None:
    error = await refused(
        CloudRefuses, call, cloud, edge, httpx.Response(code, json={"detail": "Unauthorized"})
    )
    assert "check OPENHANDS_API_KEY" in error.sentence
    assert "AUTOMATION_CLOUD_AUTH=session-key" in error.sentence


@every_call
@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no")], ids=repr)
async def test_nobody_there(cloud: Cloud, edge: respx.MockRouter, call: Call, error: Exception) -> None:
    assert not (await refused(CloudUnavailable, call, cloud, edge, error)).is_lost


@every_call
@pytest.mark.parametrize("error", [httpx.ReadError("cut"), httpx.ReadTimeout("slow")], ids=repr)
async def test_an_answer_that_is_lost(
    cloud: Cloud, edge: respx.MockRouter, call: Call, error: Exception
) -> None:
    assert (await refused(CloudUnavailable, call, cloud, edge, error)).is_lost


@every_call
@pytest.mark.parametrize("code", [408, 500, 502, 503, 504])
async def test_a_server_in_trouble(cloud: Cloud, edge: respx.MockRouter, call: Call, code: int) -> None:
    answer = httpx.Response(code, text=HTML, headers={"Retry-After": "3"})
    error = await refused(CloudUnavailable, call, cloud, edge, answer)
    assert error.is_lost
    assert error.wait == 3


@every_reading_call
@pytest.mark.parametrize("text", [HTML, '{"id": "18HW', "", "null", "7"])
async def test_what_is_no_cloud(cloud: Cloud, edge: respx.MockRouter, call: Call, text: str) -> None:
    error = await refused(CloudRefuses, call, cloud, edge, httpx.Response(200, text=text))
    assert "check AUTOMATION_CLOUD_API_URL" in error.sentence


NO_SANDBOXES: list[dict[str, Any]] = [
    {},
    STARTING | {"id": "../etc"},
    STARTING | {"id": 7},
    STARTING | {"created_at": "soon"},
    STARTING | {"exposed_urls": 7},
]


@pytest.mark.parametrize("call", [CALLS["create"], CALLS["get"]], ids=["create", "get"])
@pytest.mark.parametrize("sandbox", NO_SANDBOXES)
async def test_a_sandbox_that_is_none(
    cloud: Cloud, edge: respx.MockRouter, call: Call, sandbox: dict[str, Any]
) -> None:
    edge.get(f"{URL}/api/v1/sandboxes").respond(json=[sandbox])
    edge.post(f"{URL}/api/v1/sandboxes").respond(json=sandbox)
    with pytest.raises(CloudRefuses, match="a sandbox in its answer is none"):
        await call(cloud)


async def test_one_that_is_none_hides_no_other(cloud: Cloud, edge: respx.MockRouter) -> None:
    edge.get(f"{URL}/api/v1/sandboxes/search").respond(json={"items": [*NO_SANDBOXES, STARTING]})
    assert [each.id for each in await cloud.search()] == [STARTING["id"]]


@pytest.mark.parametrize("status", ["", "GONE", 7, {}, [], None])
async def test_a_status_that_is_not_known_is_another_one(
    cloud: Cloud, edge: respx.MockRouter, status: object
) -> None:
    edge.post(f"{URL}/api/v1/sandboxes").respond(json=STARTING | {"status": status})
    assert (await cloud.create()).status is SandboxStatus.OTHER


class TestSecrets:
    """What the code in a sandbox can read there of the account's, asked as that code would."""

    PATH = f"{URL}/api/v1/sandboxes/{ID}/settings/secrets"
    BOX = Sandbox.model_validate(STARTING | {"id": ID, "status": "RUNNING", "session_api_key": "box-key"})

    async def test_they_are_counted_with_the_sandboxes_own_key(
        self, cloud: Cloud, edge: respx.MockRouter
    ) -> None:
        edge.get(self.PATH).respond(json={"secrets": [{"name": "A"}, {"name": "B", "description": None}]})
        assert await cloud.secrets_for(self.BOX) == 2
        headers = edge.calls.last.request.headers
        assert headers["X-Session-API-Key"] == "box-key"
        assert "Authorization" not in headers

    @pytest.mark.parametrize("code", [401, 403, 404])
    async def test_an_app_server_that_keeps_none(
        self, cloud: Cloud, edge: respx.MockRouter, code: int
    ) -> None:
        edge.get(self.PATH).respond(code)
        assert await cloud.secrets_for(self.BOX) == 0

    @pytest.mark.parametrize("answer", [{"json": {}}, {"json": []}, {"text": HTML}, {"json": {"secrets": 7}}])
    async def test_what_does_not_say_is_no_no(
        self, cloud: Cloud, edge: respx.MockRouter, answer: dict[str, Any]
    ) -> None:
        edge.get(self.PATH).respond(**answer)
        with pytest.raises(CloudRefuses):
            await cloud.secrets_for(self.BOX)

    async def test_trouble_is_no_no(self, cloud: Cloud, edge: respx.MockRouter) -> None:
        edge.get(self.PATH).respond(500)
        with pytest.raises(CloudUnavailable):
            await cloud.secrets_for(self.BOX)


async def test_an_answer_to_a_creation_that_cannot_be_read_may_have_had_its_effect(
    cloud: Cloud, edge: respx.MockRouter
) -> None:
    answer = httpx.Response(200, text='{"id": "18HW')
    assert (await refused(CloudRefuses, CALLS["create"], cloud, edge, answer)).is_lost


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, LIMITED_FOR),
        ({"Retry-After": "1"}, 1),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "soon"}, LIMITED_FOR),
        ({"Retry-After": "nan"}, LIMITED_FOR),
        ({"Retry-After": "1e9"}, LONGEST_WAIT),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
@every_call
async def test_too_many_requests(
    cloud: Cloud, edge: respx.MockRouter, call: Call, headers: dict[str, str], wait: float
) -> None:
    answer = httpx.Response(429, json={"message": "Too many requests"}, headers=headers)
    error = await refused(CloudUnavailable, call, cloud, edge, answer)
    assert error.wait == wait
    assert not error.is_lost


@pytest.mark.parametrize("is_flat", [True, False])
@pytest.mark.parametrize(
    ("code", "said"),
    [("CONCURRENCY_LIMIT_REACHED", "concurrency limit"), ("DAILY_SANDBOX_LIMIT_REACHED", "midnight UTC")],
)
async def test_a_limit_is_named(
    cloud: Cloud, edge: respx.MockRouter, code: str, said: str, is_flat: bool
) -> None:
    told = {"error": code, "message": "secret words of the scheduler"}
    answer = httpx.Response(429, json=told if is_flat else {"detail": told})
    error = await refused(SandboxLimit, CALLS["create"], cloud, edge, answer)
    assert said in error.sentence


@every_call
@pytest.mark.parametrize("code", [301, 302, 307])
async def test_no_redirect_is_followed(cloud: Cloud, edge: respx.MockRouter, call: Call, code: int) -> None:
    answer = httpx.Response(code, headers={"Location": "https://evil.example/"})
    await refused(CloudRefuses, call, cloud, edge, answer)


async def test_a_sandbox_that_runs(cloud: Cloud, edge: respx.MockRouter) -> None:
    edge.get(f"{URL}/api/v1/sandboxes", params={"id": ID}).respond(json=[RUNNING])
    sandbox = await cloud.get(ID)
    assert sandbox is not None
    assert sandbox.is_usable
    assert sandbox.agent_server_url == "https://agent.example"
    assert edge.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"
    assert "bJHe5G6U" not in repr(sandbox)


@pytest.mark.parametrize(
    "answer", [[None], [], [STARTING | {"status": "MISSING"}], [STARTING | {"id": "another"}]]
)
async def test_a_sandbox_that_is_gone(cloud: Cloud, edge: respx.MockRouter, answer: list[Any]) -> None:
    edge.get(f"{URL}/api/v1/sandboxes").respond(json=answer)
    assert await cloud.get(ID) is None


async def test_a_status_that_nobody_knows_yet(cloud: Cloud, edge: respx.MockRouter) -> None:
    edge.get(f"{URL}/api/v1/sandboxes").respond(json=[STARTING | {"status": "HIBERNATING", "new": {"a": 1}}])
    sandbox = await cloud.get(ID)
    assert sandbox is not None
    assert sandbox.status is SandboxStatus.OTHER


async def test_the_query_says_which_one_is_deleted(cloud: Cloud, edge: respx.MockRouter) -> None:
    route = edge.delete(f"{URL}/api/v1/sandboxes/{ID}", params={"sandbox_id": ID})
    route.side_effect = [httpx.Response(200, json={"success": True}), httpx.Response(404)]
    assert await cloud.delete(ID)
    assert not await cloud.delete(ID)


async def test_a_search_has_pages(cloud: Cloud, edge: respx.MockRouter) -> None:
    pages = [{"items": [STARTING], "next_page_id": "2"}, {"items": [RUNNING], "next_page_id": None}]
    edge.get(f"{URL}/api/v1/sandboxes/search").mock(
        side_effect=[httpx.Response(200, json=page) for page in pages]
    )
    assert [each.status for each in await cloud.search()] == [SandboxStatus.STARTING, SandboxStatus.RUNNING]
    assert [each.request.url.params.get("page_id") for each in edge.calls] == [None, "2"]


async def test_a_search_without_end_is_ended(cloud: Cloud, edge: respx.MockRouter) -> None:
    edge.route().respond(json={"items": [], "next_page_id": "again"})
    assert await cloud.search() == []
    assert len(edge.calls) == 50


async def test_the_kind_of_sandbox_is_asked_for(edge: respx.MockRouter) -> None:
    edge.post(f"{URL}/api/v1/sandboxes", params={"sandbox_spec_id": "big"}).respond(json=STARTING)
    async with Cloud(account_of(URL, KEY, spec="big")) as cloud:
        assert (await cloud.create()).id == ID


@pytest.mark.parametrize(
    ("auth", "key", "shown"),
    [
        (CloudAuth.BEARER, KEY, {"Authorization": f"Bearer {KEY}"}),
        (CloudAuth.SESSION_KEY, KEY, {"X-Session-API-Key": KEY}),
        (CloudAuth.BEARER, "", {}),
    ],
)
async def test_the_key_is_shown_in_one_way_only(
    edge: respx.MockRouter, auth: CloudAuth, key: str, shown: dict[str, str]
) -> None:
    edge.route().respond(json=[None])
    account = account_of(URL, key, auth)
    assert KEY not in repr(account)
    async with Cloud(account) as cloud:
        await cloud.get(ID)
    headers = edge.calls[0].request.headers
    names = ("Authorization", "X-Session-API-Key")
    assert {name: headers[name] for name in names if name in headers} == shown

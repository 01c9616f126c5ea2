"""An App's token is for one repository and what is needed of it, is minted once while it is good, and renewed once when not."""

import functools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from automation.github import AppTokens, GitHub, GitHubRefuses, GitHubUnavailable, GivenToken, client
from automation.github.tokens import EXPIRES_SOON
from tests.fakes.github.apps import App
from tests.fakes.github.recording import Recorded
from tests.fakes.github.server import FakeGitHub
from tests.workflow import Checkout

EVERYTHING = {
    "checks": "write",
    "actions": "write",
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",
    "administration": "read",
}


read_key = functools.cache(load_pem_private_key)


@pytest.fixture(autouse=True)
def _keys_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading one takes a twentieth of a second, for each JWT that is signed and for each that is checked."""
    monkeypatch.setattr("jwt.algorithms.load_pem_private_key", read_key)
    monkeypatch.setattr("tests.fakes.github.credentials.load_pem_private_key", read_key)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkout = Checkout.make(tmp_path_factory.mktemp("tokens") / "checkout")
    checkout.commit()
    return checkout.path


@pytest.fixture
def octo(github: FakeGitHub, directory: Path) -> FakeGitHub:
    github.repository("octo/demo", directory)
    github.repository("octo/other", directory)
    return github


@pytest.fixture
def app(octo: FakeGitHub) -> App:
    app = octo.app("automation-bot", EVERYTHING)
    app.install("octo/demo", "octo/other")
    return app


def tokens_of(app: App) -> AppTokens:
    return AppTokens(str(app.id), app.private_key)


@pytest.fixture
async def hub(octo: FakeGitHub, app: App) -> AsyncIterator[GitHub]:
    hub = GitHub(octo.url, "octo/demo", tokens_of(app), patience=0)
    yield hub
    hub.close()


def minted(octo: FakeGitHub) -> list[Recorded]:
    return [request for request in octo.requests if request.path.endswith("/access_tokens")]


async def test_a_given_token_is_the_one() -> None:
    async def as_app(method: str, path: str, body: Any) -> Any:
        raise AssertionError(path)

    given = GivenToken("ghs_x")
    assert await given.current("octo/demo", as_app) == "ghs_x"
    assert not given.renew()
    assert "ghs_x" not in repr(given)


async def test_it_is_narrowed_to_one_repository_and_what_is_needed(hub: GitHub, octo: FakeGitHub) -> None:
    await hub.get("")
    [request] = minted(octo)
    assert request.json == {
        "repositories": ["demo"],
        "permissions": {
            "checks": "write",
            "actions": "read",
            "contents": "read",
            "pull_requests": "read",
        },
    }


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        ({"checks": "write"}, {"checks": "write"}),
        ({"checks": "write", "contents": "read"}, {"checks": "write", "contents": "read"}),
        ({"checks": "write", "contents": "write"}, {"checks": "write", "contents": "read"}),
        ({"checks": "read", "contents": "read"}, {"contents": "read"}),
    ],
)
async def test_what_the_app_has_not_is_not_asked_for(
    octo: FakeGitHub, granted: dict[str, str], asked: dict[str, str]
) -> None:
    app = octo.app("small", granted)
    app.install("octo/demo")
    hub = GitHub(octo.url, "octo/demo", tokens_of(app), patience=0)
    await hub.get("")
    hub.close()
    [request] = minted(octo)
    assert request.json["permissions"] == asked


async def test_it_is_minted_once(hub: GitHub, octo: FakeGitHub) -> None:
    for _ in range(3):
        await hub.get("")
    await hub.token()
    assert [request.path.rpartition("/")[2] for request in octo.requests] == [
        "installation",
        "access_tokens",
        "demo",
        "demo",
        "demo",
    ]


async def test_from_then_on_it_is_known_which_app_it_is(octo: FakeGitHub, app: App) -> None:
    for name in (str(app.id), app.client_id):
        tokens = AppTokens(name, app.private_key)
        assert tokens.app_number == 0
        hub = GitHub(octo.url, "octo/demo", tokens, patience=0)
        await hub.token()
        hub.close()
        assert tokens.app_number == app.id


def of_installation(app: App, number: int, **wanted: str) -> AppTokens:
    """Tokens for an installation that an event has named."""
    return AppTokens(
        str(app.id),
        app.private_key,
        app_number=app.id,
        wanted=wanted or {"checks": "write"},
        installation=number,
    )


async def test_for_an_installation_that_is_known_one_request_is_enough(octo: FakeGitHub, app: App) -> None:
    number = app.installations[0].id
    hub = GitHub(octo.url, "octo/demo", of_installation(app, number), patience=0)
    assert await hub.token() in octo.world.tokens
    hub.close()
    [request] = octo.requests
    assert request.path == f"/app/installations/{number}/access_tokens"
    assert request.json == {"repositories": ["demo"], "permissions": {"checks": "write"}}


async def test_what_is_not_granted_there_is_left_out(octo: FakeGitHub) -> None:
    app = octo.app("small", {"checks": "write"})
    tokens = of_installation(app, app.install("octo/demo"), checks="write", contents="read")
    hub = GitHub(octo.url, "octo/demo", tokens, patience=0)
    assert await hub.token() in octo.world.tokens
    hub.close()
    first, asking, second = octo.requests
    assert (first.status, asking.path) == (422, "/repos/octo/demo/installation")
    assert second.json["permissions"] == {"checks": "write"}


async def test_an_app_that_was_installed_anew_is_asked_for(octo: FakeGitHub, app: App) -> None:
    old = app.installations[0].id
    app.installations[0].delete()
    new = app.install("octo/demo")
    hub = GitHub(octo.url, "octo/demo", of_installation(app, old), patience=0)
    assert octo.world.tokens[await hub.token()].installation_id == new
    hub.close()
    assert [request.path.rpartition("/")[2] for request in octo.requests] == [
        "access_tokens",
        "installation",
        "access_tokens",
    ]


async def test_an_installation_that_is_gone_is_told(octo: FakeGitHub, app: App) -> None:
    number = app.installations[0].id
    app.installations[0].delete()
    hub = GitHub(octo.url, "octo/demo", of_installation(app, number), patience=0)
    with pytest.raises(GitHubRefuses, match="cannot be used for octo/demo") as refusal:
        await hub.token()
    hub.close()
    assert refusal.value.status == 404


async def test_one_that_is_suspended_is_not_asked_about(octo: FakeGitHub, app: App) -> None:
    app.installations[0].suspend()
    hub = GitHub(octo.url, "octo/demo", of_installation(app, app.installations[0].id), patience=0)
    with pytest.raises(GitHubRefuses) as refusal:
        await hub.token()
    hub.close()
    assert refusal.value.status == 403
    assert len(octo.requests) == 1


async def test_one_that_expires_soon_is_not_used(hub: GitHub, octo: FakeGitHub) -> None:
    first = await hub.token()
    octo.advance(3600 - EXPIRES_SOON - 30)
    hub.clock.hear(octo.world.clock.date())
    assert await hub.token() == first
    octo.advance(60)
    hub.clock.hear(octo.world.clock.date())
    assert await hub.token() != first
    assert len(minted(octo)) == 2


@pytest.mark.parametrize("hours", [1, -1, 30, -30])
async def test_a_clock_that_is_not_githubs_signs_by_githubs(
    hub: GitHub, octo: FakeGitHub, hours: float
) -> None:
    octo.advance(hours * 3600)
    first = await hub.token()
    assert await hub.token() == first, "it has not expired"
    assert [request.status for request in octo.requests] == [401, 200, 201]


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_meanwhile_costs_no_token(
    hub: GitHub, octo: FakeGitHub, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    first = await hub.token()
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + hours * 3600)
    octo.advance(-hours * 3600)
    assert await hub.token() == first
    hub.tokens.renew()
    assert await hub.token() != first
    assert 401 not in {request.status for request in octo.requests}


async def test_one_that_is_refused_is_renewed_and_the_call_goes_on(hub: GitHub, octo: FakeGitHub) -> None:
    octo.world.tokens[await hub.token()].expire()
    assert (await hub.get(""))["full_name"] == "octo/demo"
    assert len(minted(octo)) == 2
    assert [request.status for request in octo.requests if request.path == "/repos/octo/demo"] == [401, 200]


async def test_a_post_that_was_refused_for_its_token_is_made_again(
    hub: GitHub, octo: FakeGitHub, directory: Path
) -> None:
    sha = octo.world.repositories["octo/demo"].resolve("main")
    octo.world.tokens[await hub.token()].expire()
    await hub.post("/check-runs", {"name": "x", "head_sha": sha, "status": "queued"})
    assert len(octo.world.repositories["octo/demo"].checks(sha)) == 1


async def test_it_is_renewed_once_a_call(hub: GitHub, octo: FakeGitHub) -> None:
    await hub.token()
    octo.fault("GET", "^/repos/octo/demo$", status=401, times=None, body={"message": "Bad credentials"})
    for calls in (1, 2):
        with pytest.raises(GitHubRefuses) as refusal:
            await hub.get("")
        assert refusal.value.status == 401
        assert len(minted(octo)) == 1 + calls


async def test_a_token_that_nobody_received_is_minted_again(
    octo: FakeGitHub, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSES", (0.01,))
    octo.fault("POST", "access_tokens", status=502, after_effect=True)
    hub = GitHub(octo.url, "octo/demo", tokens_of(app))
    assert await hub.token() in octo.world.tokens
    hub.close()
    assert len(minted(octo)) == 2


@pytest.mark.parametrize("number", ["7", "not-an-app", ""])
async def test_an_app_that_github_does_not_know(octo: FakeGitHub, app: App, number: str) -> None:
    hub = GitHub(octo.url, "octo/demo", AppTokens(number or "0", app.private_key), patience=0)
    with pytest.raises(
        GitHubRefuses, match="check app-id and private-key, and that the App is installed there"
    ):
        await hub.token()
    hub.close()


async def test_an_app_that_is_not_installed_there(octo: FakeGitHub, app: App) -> None:
    stranger = octo.app("stranger", EVERYTHING)
    hub = GitHub(octo.url, "octo/demo", tokens_of(stranger), patience=0)
    with pytest.raises(
        GitHubRefuses, match=rf"the GitHub App {stranger.id} cannot be used for octo/demo"
    ) as refusal:
        await hub.get("")
    hub.close()
    assert refusal.value.status == 404


async def test_the_key_of_another_app(octo: FakeGitHub, app: App) -> None:
    other = octo.app("other", EVERYTHING)
    hub = GitHub(octo.url, "octo/demo", AppTokens(str(app.id), other.private_key), patience=0)
    with pytest.raises(GitHubRefuses, match="check app-id and private-key") as refusal:
        await hub.get("")
    hub.close()
    assert refusal.value.status == 401
    assert other.private_key.splitlines()[1] not in refusal.value.sentence


async def test_github_may_be_away_when_it_is_minted(hub: GitHub, octo: FakeGitHub) -> None:
    octo.fault("GET", "installation$", status=503)
    with pytest.raises(GitHubUnavailable) as error:
        await hub.get("")
    assert type(error.value) is GitHubUnavailable
    assert (await hub.get(""))["full_name"] == "octo/demo"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("installation$", "{}"),
        ("installation$", "[]"),
        ("installation$", ""),
        ("installation$", "<html>"),
        ("installation$", '{"id": null, "permissions": {}}'),
        ("installation$", '{"id": 5, "permissions": null}'),
        ("access_tokens$", "{}"),
        ("access_tokens$", ""),
        ("access_tokens$", '{"token": "ghs_x"}'),
        ("access_tokens$", '{"token": "ghs_x", "expires_at": "soon"}'),
        ("access_tokens$", '{"token": "ghs_x", "expires_at": null}'),
    ],
)
async def test_an_answer_of_another_form_is_none(hub: GitHub, octo: FakeGitHub, path: str, body: str) -> None:
    octo.fault("*", path, status=200, body=body)
    with pytest.raises(GitHubUnavailable):
        await hub.token()
    assert await hub.token() in octo.world.tokens


async def test_nothing_of_an_app_is_shown(app: App) -> None:
    shown = repr(tokens_of(app))
    assert "PRIVATE" not in shown
    assert str(app.id) in shown

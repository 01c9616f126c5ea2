"""Installations of an App and the tokens that it mints for them."""

import re
from typing import Any

import httpx
import pytest

from tests.fakes.github.apps import App
from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub

GRANTED = {"checks": "write", "contents": "read", "metadata": "read"}


@pytest.fixture
def bot(octo: FakeGitHub, demo: Demo) -> App:
    octo.repository("octo/second", demo.directory)
    octo.repository("octo/third", demo.directory)
    app = octo.app("our-bot", {"checks": "write", "contents": "read"})
    app.install("octo/demo", "octo/second")
    return app


def mint(octo: FakeGitHub, bot: App, connect: Connect, body: Any = None) -> httpx.Response:
    http = connect(octo, bot.jwt())
    path = f"/app/installations/{bot.installations[0].id}/access_tokens"
    return http.post(path) if body is None else http.post(path, json=body)


def test_an_installation_is_found_by_its_repository(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    http = connect(octo, bot.jwt())
    found = http.get("/repos/Octo/Demo/installation").json()
    assert found["id"] == bot.installations[0].id
    assert found["app_slug"] == "our-bot"
    assert found["account"]["login"] == "octo"
    assert [each["id"] for each in http.get("/app/installations").json()] == [found["id"]]
    assert http.get(f"/app/installations/{found['id']}").json() == found
    assert http.get("/repos/octo/third/installation").status_code == 404
    assert http.get("/app/installations/1").status_code == 404


def test_an_installation_grows_and_is_one_for_each_account(octo: FakeGitHub, bot: App, demo: Demo) -> None:
    octo.repository("hexa/demo", demo.directory)
    first = bot.installations[0].id
    assert bot.install("octo/third") == first
    assert bot.install("hexa/demo") != first
    with pytest.raises(ValueError, match="one account"):
        bot.install("octo/demo", "hexa/demo")


def test_a_token_has_all_that_the_installation_has(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    answer = mint(octo, bot, connect)
    assert answer.status_code == 201
    minted = answer.json()
    assert minted["permissions"] == GRANTED
    assert [each["full_name"] for each in minted["repositories"]] == ["octo/demo", "octo/second"]
    assert re.fullmatch(rf"ghs_{bot.id}_[\w-]+\.[\w-]+\.[\w-]+", minted["token"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", minted["expires_at"])
    listed = connect(octo, minted["token"]).get("/installation/repositories").json()
    assert [each["full_name"] for each in listed["repositories"]] == ["octo/demo", "octo/second"]


def test_the_length_of_a_token_tells_nothing(octo: FakeGitHub, bot: App) -> None:
    assert len({len(bot.token().value) for _ in range(20)}) > 1


def test_a_token_is_narrowed(octo: FakeGitHub, bot: App, demo: Demo, connect: Connect) -> None:
    body = {"repositories": ["demo"], "permissions": {"checks": "read"}}
    minted = mint(octo, bot, connect, body).json()
    assert minted["permissions"] == {"checks": "read", "metadata": "read"}
    assert [each["full_name"] for each in minted["repositories"]] == ["octo/demo"]
    http = connect(octo, minted["token"])
    check = {"name": "review", "head_sha": demo.head}
    assert http.post("/repos/octo/demo/check-runs", json=check).status_code == 403
    assert http.post("/repos/octo/second/check-runs", json=check).status_code == 403


def test_a_token_is_narrowed_by_ids(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    identity = octo.repository_named("octo/second").id
    minted = mint(octo, bot, connect, {"repository_ids": [identity]}).json()
    assert [each["id"] for each in minted["repositories"]] == [identity]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"repositories": ["third"]}, "not accessible to the parent installation"),
        ({"repositories": ["demo", "absent"]}, "not accessible to the parent installation"),
        ({"repositories": []}, "not accessible to the parent installation"),
        ({"repository_ids": [1]}, "not accessible to the parent installation"),
        ({"permissions": {"contents": "write"}}, "contents"),
        ({"permissions": {"issues": "read"}}, "issues"),
    ],
)
def test_a_token_is_never_widened(
    body: dict[str, Any], words: str, octo: FakeGitHub, bot: App, connect: Connect
) -> None:
    answer = mint(octo, bot, connect, body)
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize(
    "body", [{"repositories": "demo"}, {"repository_ids": ["1"]}, {"permissions": {"checks": "all"}}]
)
def test_a_body_of_another_shape_is_422(body: dict[str, Any], fake: FakeGitHub, connect: Connect) -> None:
    app = fake.app("our-bot", {"checks": "write"})
    app.install("octo/demo")
    assert mint(fake, app, connect, body).status_code == 422


def test_a_token_is_revoked_by_itself(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    http = connect(octo, bot.token().value)
    answer = http.delete("/installation/token")
    assert (answer.status_code, answer.content) == (204, b"")
    assert http.get("/installation/repositories").status_code == 401


def test_a_suspended_installation_gets_and_uses_no_token(
    octo: FakeGitHub, bot: App, connect: Connect
) -> None:
    http = connect(octo, bot.token().value)
    bot.installations[0].suspend()
    assert http.get("/installation/repositories").status_code == 403
    assert mint(octo, bot, connect).status_code == 403

"""Who may ask: tokens that live and die, JWTs that are made right and wrong, nobody at all."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.github.apps import App
from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub

CHECKS = "/repos/octo/demo/check-runs"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed(app: App, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    content = {"iat": now - 60, "exp": now + 540, "iss": str(app.id), **claims}
    payload = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(payload, app.private_key if key is None else key, algorithm=algorithm)


@pytest.fixture
def bot(octo: FakeGitHub) -> App:
    app = octo.app("our-bot", {"checks": "write", "contents": "read"})
    app.install("octo/demo")
    return app


def status(http: httpx.Client, demo: Demo) -> int:
    return http.post(CHECKS, json={"name": "review", "head_sha": demo.head}).status_code


@pytest.mark.parametrize("scheme", ["Bearer", "token", "bearer"])
def test_a_token_is_taken_in_either_scheme(
    scheme: str, octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={"checks": "write"})
    http = connect(octo, "")
    http.headers["authorization"] = f"{scheme} {token.value}"
    assert status(http, demo) == 201


@pytest.mark.parametrize("header", ["Bearer ghs_15368_wrong", "Bearer", "Basic YTpi", "token x"])
def test_credentials_that_github_does_not_know_are_401_even_for_what_anybody_may_read(
    header: str, octo: FakeGitHub, connect: Connect
) -> None:
    http = connect(octo, "")
    for path in ("/repos/octo/demo", "/rate_limit"):
        answer = http.get(path, headers={"authorization": header})
        assert answer.status_code == 401
        assert answer.json() == {
            "message": "Bad credentials",
            "documentation_url": "https://docs.github.com/rest",
            "status": "401",
        }


def test_a_token_expires(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={"checks": "write"})
    http = connect(octo, token.value)
    assert status(http, demo) == 201
    token.expire()
    assert status(http, demo) == 401


def test_a_token_expires_after_so_many_requests(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={"checks": "write"}, expires_after_requests=2)
    http = connect(octo, token.value)
    assert [status(http, demo) for _ in range(4)] == [201, 201, 401, 401]


def test_a_token_is_refused_whatever_it_asks(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={"checks": "write"})
    http = connect(octo, token.value)
    token.refuse()
    assert status(http, demo) == 403
    assert http.get("/repos/octo/demo").status_code == 403


def test_a_jobs_token_dies_with_its_workflow_run(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    repository = octo.repository_named("octo/demo")
    run = repository.workflow_run(1, head_sha=demo.head)
    one, other = (
        octo.job_token("octo/demo", run_id=number, permissions={"checks": "write"}) for number in (1, 2)
    )
    run.complete("cancelled")
    assert status(connect(octo, one.value), demo) == 401
    assert status(connect(octo, other.value), demo) == 201


def test_an_installation_token_lives_for_an_hour(
    octo: FakeGitHub, bot: App, demo: Demo, connect: Connect
) -> None:
    http = connect(octo, bot.token().value)
    octo.advance(3590)
    assert status(http, demo) == 201
    octo.advance(20)
    assert status(http, demo) == 401


def test_nobody_reads_what_is_public_and_writes_nothing(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo, "")
    assert http.get("/repos/octo/demo").status_code == 200
    assert http.get(f"/repos/octo/demo/commits/{demo.head}/check-runs").status_code == 200
    assert status(http, demo) == 401
    assert http.get("/repos/octo/demo/collaborators/octocat/permission").status_code == 401


def test_a_private_repository_is_not_there_for_others(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository("octo/hidden", demo.directory, private=True)
    inside = octo.job_token("octo/hidden", run_id=1, permissions={"contents": "read"})
    for outside in ("", octo.job_token("octo/demo", run_id=1, permissions={"contents": "write"}).value):
        assert connect(octo, outside).get("/repos/octo/hidden/commits/main").status_code == 404
    http = connect(octo, inside.value)
    assert http.get("/repos/octo/hidden/commits/main").status_code == 200
    answer = http.get("/repos/octo/hidden/pulls")
    assert answer.status_code == 403
    assert answer.headers["x-accepted-github-permissions"] == "pull_requests=read"


def test_a_token_of_another_repository_reads_and_writes_nothing(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.repository("octo/other", demo.directory)
    token = octo.job_token("octo/other", run_id=1, permissions={"checks": "write"})
    http = connect(octo, token.value)
    assert http.get("/repos/octo/demo").status_code == 200
    assert status(http, demo) == 403


type Forge = Callable[[App], str]
FORGED: dict[str, tuple[Forge, int, str]] = {
    "another key": (lambda app: signed(app, STRANGER), 401, "could not be decoded"),
    "another algorithm": (
        lambda app: signed(app, "a secret of thirty-two bytes and more", "HS256"),
        401,
        "decoded",
    ),
    "not signed": (lambda app: signed(app, "", "none"), 401, "could not be decoded"),
    "expired": (lambda app: signed(app, exp=int(time.time()) - 1), 401, "('exp')"),
    "too long": (lambda app: signed(app, exp=int(time.time()) + 700), 401, "too far in the future"),
    "no exp": (lambda app: signed(app, exp=None), 401, "('exp')"),
    "iat in the future": (lambda app: signed(app, iat=int(time.time()) + 60), 401, "('iat')"),
    "no iat": (lambda app: signed(app, iat=None), 401, "('iat')"),
    "unknown App": (lambda app: signed(app, iss="1"), 404, "Integration not found"),
    "no App": (lambda app: signed(app, iss=None), 404, "Integration not found"),
    "no JWT": (lambda _: "a.b.c", 401, "could not be decoded"),
}


@pytest.mark.parametrize(("forge", "status_code", "words"), FORGED.values(), ids=FORGED)
def test_a_jwt_is_refused_for(
    forge: Forge, status_code: int, words: str, octo: FakeGitHub, bot: App, connect: Connect
) -> None:
    answer = connect(octo, forge(bot)).get("/app")
    assert answer.status_code == status_code
    assert words in answer.json()["message"]


@pytest.mark.parametrize("issuer", ["id", "client_id"])
def test_an_app_speaks_for_itself_by_jwt(issuer: str, octo: FakeGitHub, bot: App, connect: Connect) -> None:
    answer = connect(octo, signed(bot, iss=str(getattr(bot, issuer)))).get("/app").json()
    assert (answer["id"], answer["slug"]) == (bot.id, "our-bot")
    assert answer["permissions"] == {"checks": "write", "contents": "read", "metadata": "read"}


def test_the_keys_of_two_apps_differ(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    other = octo.app("other-bot", {})
    assert connect(octo, signed(bot, other.private_key)).get("/app").status_code == 401


def test_a_jwt_belongs_to_apps_and_a_token_to_repositories(
    octo: FakeGitHub, bot: App, demo: Demo, connect: Connect
) -> None:
    as_app, as_installation = connect(octo, signed(bot)), connect(octo, bot.token().value)
    assert status(as_app, demo) == 403
    assert as_app.get("/installation/repositories").status_code == 403
    for path in ("/app", "/app/installations", "/repos/octo/demo/installation"):
        assert as_app.get(path).status_code == 200
        answer = as_installation.get(path)
        assert answer.status_code == 401
        assert answer.json()["message"] == "A JSON web token could not be decoded"
        assert connect(octo, "").get(path).status_code == 401


def test_the_rate_limit_is_counted_for_each_token(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={})
    token.meter.limit = 2
    http = connect(octo, token.value)
    first, second, third = (http.get("/repos/octo/demo") for _ in range(3))
    assert (first.headers["x-ratelimit-remaining"], second.headers["x-ratelimit-remaining"]) == ("1", "0")
    assert third.status_code == 403
    assert "API rate limit exceeded" in third.json()["message"]
    assert third.headers["x-ratelimit-remaining"] == "0"
    assert int(third.headers["x-ratelimit-reset"]) > time.time() + 3000
    assert http.get("/rate_limit").json()["rate"]["remaining"] == 0
    octo.advance(3700)
    assert http.get("/repos/octo/demo").status_code == 200
    assert octo.job_token("octo/demo", run_id=1, permissions={}).meter.limit == 1000


def test_an_installation_has_one_limit_whatever_tokens_it_has(
    octo: FakeGitHub, bot: App, demo: Demo, connect: Connect
) -> None:
    meter = bot.installations[0].meter
    meter.limit = 10
    one, other = (connect(octo, bot.token().value) for _ in range(2))
    left = [http.get("/repos/octo/demo").headers["x-ratelimit-remaining"] for http in (one, other, one)]
    assert left == ["9", "8", "7"]


def test_a_limit_can_be_spent_for_a_while(octo: FakeGitHub, bot: App, demo: Demo, connect: Connect) -> None:
    http = connect(octo, bot.token().value)
    bot.installations[0].meter.leave(0, 30)
    refused = http.get("/repos/octo/demo")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 0 < int(refused.headers["x-ratelimit-reset"]) - time.time() <= 31
    octo.advance(31)
    answer = http.get("/repos/octo/demo")
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (200, "4999")
    assert bot.installations[0].meter.refused == 1


def test_a_secondary_limit_begins_with_a_request_and_ends_when_it_said(
    octo: FakeGitHub, bot: App, demo: Demo, connect: Connect
) -> None:
    http = connect(octo, bot.token().value)
    bot.installations[0].meter.close(20)
    for path in ("/repos/octo/demo", "/repos/octo/demo/pulls"):
        refused = http.get(path)
        assert (refused.status_code, refused.headers["retry-after"]) == (403, "20")
        assert "secondary rate limit" in refused.json()["message"]
        assert refused.headers["x-ratelimit-remaining"] != "0"
    octo.advance(21)
    assert http.get("/repos/octo/demo").status_code == 200


def test_queries_are_counted_apart(octo: FakeGitHub, bot: App, connect: Connect) -> None:
    answer = connect(octo, bot.token().value).post("/graphql", json={"query": "{ viewer { login } }"})
    assert answer.headers["x-ratelimit-resource"] == "graphql"
    assert bot.installations[0].meter.used == 0

"""One call, one answer: PyGithub repeats nothing here, and each failure is told apart into what may pass and what will not."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.github.transport import AppKey, Transport
from tests.fakes.github.server import FakeGitHub
from tests.server_process import free_port
from tests.workflow import Checkout

REPOSITORY = "/repos/octo/demo"
PEM = "-----BEGIN {0}-----\nc2VjcmV0IGtleQ==\n-----END {0}-----"
OF_A_CURVE = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    .decode()
)


TIMEOUT = 3
"""Seconds: of each request of these tests, on a machine that may be busy."""


@pytest.fixture
def transport(octo: FakeGitHub) -> Iterator[Transport]:
    token = octo.job_token("octo/demo", run_id=4242, permissions={"checks": "write"})
    transport = Transport.connect(octo.url, token.value, TIMEOUT)
    yield transport
    transport.close()


def refused(
    transport: Transport, path: str = REPOSITORY, method: str = "GET", body: Any = None
) -> GitHubUnavailable:
    with pytest.raises(GitHubUnavailable) as error:
        transport.send(method, path, {}, body)
    sentence = error.value.sentence
    assert len(sentence.splitlines()) == 1
    assert "ghs_" not in sentence
    return error.value


def test_an_answer_is_json(transport: Transport, octo: FakeGitHub) -> None:
    assert transport.send("GET", REPOSITORY, {}, None)["full_name"] == "octo/demo"
    listed = transport.send("GET", f"{REPOSITORY}/pulls", {"state": "all", "per_page": 100}, None)
    assert listed == []
    [_, request] = octo.requests
    assert request.query == {"state": "all", "per_page": "100"}
    assert request.headers["authorization"].split()[1].startswith("ghs_")
    assert request.headers["user-agent"].startswith("automation-action/")


def test_a_body_arrives_as_it_is(transport: Transport, octo: FakeGitHub, checkout: Checkout) -> None:
    sha = checkout.commit()
    body = {"name": "größe \N{BUG}", "head_sha": sha, "status": "queued"}
    assert transport.send("POST", f"{REPOSITORY}/check-runs", {}, body)["name"] == "größe \N{BUG}"
    assert octo.requests[-1].json == body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", REPOSITORY, None),
        ("POST", f"{REPOSITORY}/check-runs", {"name": "x", "head_sha": "a" * 40, "status": "queued"}),
        ("PATCH", f"{REPOSITORY}/check-runs/1", {"status": "in_progress"}),
    ],
)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_servers_error_may_pass_and_nothing_is_sent_twice(
    transport: Transport, octo: FakeGitHub, method: str, path: str, body: Any, status: int
) -> None:
    octo.fault("*", "", status=status, times=None)
    error = refused(transport, path, method, body)
    assert type(error) is GitHubUnavailable
    assert error.wait is None
    assert error.sentence.startswith(f"GitHub answered {method} {path} with HTTP {status}")
    assert len(octo.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (503, {"retry-after": "7"}, "", 7),
        (403, {"retry-after": "1"}, "You have exceeded a secondary rate limit", 1),
        (429, {"retry-after": "30"}, "", 30),
        (429, {"retry-after": "0"}, "", 0),
        (429, {"retry-after": "-5"}, "", 0),
        (429, {"retry-after": "0.5"}, "", 0.5),
        (403, {}, "You have exceeded a secondary rate limit. Please wait.", 60),
        (403, {}, "API rate limit exceeded for installation ID 1.", 60),
        (403, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "secondary rate limit", 60),
        (403, {"retry-after": "nan"}, "secondary rate limit", 60),
        (403, {"x-ratelimit-remaining": "0"}, "API rate limit exceeded", 60),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "5"}, "", 1),
    ],
)
def test_a_limit_says_how_long(
    transport: Transport, octo: FakeGitHub, status: int, headers: Mapping[str, str], message: str, wait: float
) -> None:
    octo.fault("GET", "", status=status, headers=headers, body={"message": message} if message else None)
    error = refused(transport)
    assert type(error) is GitHubUnavailable
    assert error.wait == wait


@pytest.mark.parametrize("hours", [0, 1, -1])
def test_the_hours_limit_ends_when_it_says_whatever_our_clock_shows(
    transport: Transport, octo: FakeGitHub, hours: float
) -> None:
    octo.advance(hours * 3600)
    reset = int(octo.world.clock.now()) + 600
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    octo.fault("GET", "", status=403, headers=headers)
    wait = refused(transport).wait
    assert wait is not None
    assert 590 < wait <= 600


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (400, {}),
        (401, {}),
        (403, {}),
        (404, {}),
        (409, {}),
        (410, {}),
        (422, {}),
        (403, {"x-ratelimit-remaining": "12"}),
    ],
)
def test_no_is_no(transport: Transport, octo: FakeGitHub, status: int, headers: Mapping[str, str]) -> None:
    octo.fault("GET", "", status=status, headers=headers, body={"message": "No\n such\x1b thing"})
    error = refused(transport)
    assert isinstance(error, GitHubRefuses)
    assert error.status == status
    assert error.wait is None
    assert "(No such thing)" in error.sentence


def test_a_missing_permission_is_named(octo: FakeGitHub, checkout: Checkout) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={"checks": "read"})
    transport = Transport.connect(octo.url, token.value, 1)
    error = refused(
        transport, f"{REPOSITORY}/check-runs", "POST", {"name": "x", "head_sha": checkout.commit()}
    )
    transport.close()
    assert isinstance(error, GitHubRefuses)
    assert error.sentence == (
        "GitHub answered POST /repos/octo/demo/check-runs with HTTP 403 (Resource not accessible by integration); "
        "needed are the permissions checks=write"
    )


@pytest.mark.parametrize(
    "body",
    ["<html>No\nsuch page</html>", "", "[]", '["x"]', '"text"', "5", '{"message": 5}', '{"message": null}'],
)
def test_what_others_than_github_say_is_an_answer_all_the_same(
    transport: Transport, octo: FakeGitHub, body: str
) -> None:
    octo.fault("GET", "", status=404, body=body)
    error = refused(transport)
    assert isinstance(error, GitHubRefuses)
    assert error.status == 404
    octo.fault("GET", "", status=502, body=body)
    assert type(refused(transport)) is GitHubUnavailable


def test_permissions_are_named_only_where_they_are_missing(octo: FakeGitHub) -> None:
    token = octo.job_token("octo/demo", run_id=1, permissions={"checks": "write", "contents": "read"})
    transport = Transport.connect(octo.url, token.value, 1)
    error = refused(transport, f"{REPOSITORY}/commits/no-such-branch")
    transport.close()
    assert error.sentence.endswith("with HTTP 422 (No commit found for SHA: no-such-branch)")


def test_a_connection_that_breaks_may_pass(transport: Transport, octo: FakeGitHub) -> None:
    octo.fault("GET", "", drop=True)
    error = refused(transport)
    assert type(error) is GitHubUnavailable
    assert "did not answer GET /repos/octo/demo (ConnectionError)" in error.sentence
    assert transport.send("GET", REPOSITORY, {}, None)["full_name"] == "octo/demo"


def test_silence_is_borne_for_as_long_as_was_said(transport: Transport, octo: FakeGitHub) -> None:
    octo.fault("GET", "", delay=20)
    began = time.monotonic()
    error = refused(transport)
    assert 0.9 * TIMEOUT < time.monotonic() - began < 3 * TIMEOUT
    assert type(error) is GitHubUnavailable
    octo.clear_faults()


def test_nobody_there_may_pass() -> None:
    transport = Transport.connect(f"http://127.0.0.1:{free_port()}", "ghs_x", 1)
    assert type(refused(transport)) is GitHubUnavailable
    transport.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed_and_no_answer(
    transport: Transport, octo: FakeGitHub, status: int
) -> None:
    elsewhere = octo.codeload_url.replace("127.0.0.1", "localhost")
    octo.fault(
        "GET", "", status=status, headers={"location": f"{elsewhere}/octo/demo"}, body={"message": "Moved"}
    )
    assert isinstance(refused(transport), GitHubRefuses)
    assert len(octo.requests) == 1, "the token goes to nobody else"


@pytest.mark.parametrize("body", ["{", "[1,", '{"a": nope}'])
def test_an_answer_that_is_cut_is_no_answer(transport: Transport, octo: FakeGitHub, body: str) -> None:
    octo.fault("GET", "", status=200, body=body)
    refused(transport)


@pytest.mark.parametrize(
    "key",
    [
        PEM.format("RSA PRIVATE KEY"),
        PEM.format("PRIVATE KEY"),
        PEM.format("EC PRIVATE KEY"),
        PEM.format("OPENSSH PRIVATE KEY"),
        PEM.format("CERTIFICATE"),
        OF_A_CURVE,
        "no key at all",
        "\N{KEY}",
    ],
    ids=["rsa", "pkcs8", "ec", "openssh", "certificate", "of a curve", "text", "not ascii"],
)
def test_a_key_that_cannot_sign_is_a_refusal_and_not_shown(octo: FakeGitHub, key: str) -> None:
    transport = Transport.connect(octo.url, AppKey("1", key), 1)
    error = refused(transport, "/app")
    transport.close()
    assert isinstance(error, GitHubRefuses)
    assert not any(
        line in error.sentence for line in key.splitlines() if len(line) > 5 and "BEGIN" not in line
    )
    assert octo.requests == []


def test_an_app_signs_as_itself(octo: FakeGitHub) -> None:
    app = octo.app("automation-bot", {"checks": "write"})
    for name in (str(app.id), app.client_id):
        transport = Transport.connect(octo.url, AppKey(name, app.private_key), 1)
        assert transport.send("GET", "/app", {}, None)["slug"] == "automation-bot"
        transport.close()


def test_a_key_is_not_shown() -> None:
    assert repr(AppKey("123", OF_A_CURVE)) == "AppKey(123)"

"""Faults: errors, lost answers, delays, and effects that happen all the same."""

import threading
import time

import httpx
import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub

CHECKS = "/repos/octo/demo/check-runs"


def post(http: httpx.Client, demo: Demo) -> httpx.Response:
    return http.post(CHECKS, json={"name": "review", "head_sha": demo.head})


def names(octo: FakeGitHub) -> list[str]:
    return [check.name for check in octo.repository_named("octo/demo").checks()]


def test_an_error_comes_instead_of_the_effect_as_often_as_told(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    fault = octo.fault("POST", r"/check-runs$", status=502, times=2, headers={"x-test": "1"})
    answers = [post(http, demo) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [502, 502, 201]
    assert answers[0].json()["message"] == "Server Error"
    assert answers[0].headers["x-test"] == "1"
    assert fault.hits == 2
    assert names(octo) == ["review"]


def test_a_fault_without_end_ends_when_it_is_cleared(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    octo.fault("*", "", status=503, times=None)
    assert [post(http, demo).status_code for _ in range(5)] == [503] * 5
    octo.clear_faults()
    assert post(http, demo).status_code == 201


def test_the_effect_happens_though_the_answer_is_an_error(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.fault("POST", r"/check-runs$", status=500, after_effect=True)
    assert post(connect(octo), demo).status_code == 500
    assert names(octo) == ["review"]


@pytest.mark.parametrize(("after_effect", "left"), [(False, []), (True, ["review"])])
def test_a_connection_is_dropped_without_an_answer(
    after_effect: bool, left: list[str], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    octo.fault("POST", r"/check-runs$", drop=True, after_effect=after_effect)
    with pytest.raises(httpx.RemoteProtocolError):
        post(http, demo)
    assert names(octo) == left
    assert octo.requests[-1].status is None
    assert octo.requests[-1].is_faulty
    assert http.get("/repos/octo/demo").status_code == 200


def test_a_delay_holds_up_nobody_else(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    slow, quick = connect(octo), connect(octo)
    octo.fault("POST", r"/check-runs$", delay=1.5)
    began = time.monotonic()
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(post(slow, demo)))
    thread.start()
    while not octo.requests:
        assert time.monotonic() - began < 10
        time.sleep(0.005)
    assert quick.get("/repos/octo/demo").status_code == 200
    assert not answers
    thread.join(10)
    assert time.monotonic() - began >= 1.5
    assert answers[0].status_code == 201


@pytest.mark.parametrize(("after_effect", "left"), [(False, []), (True, ["review"])])
def test_who_does_not_wait_for_a_slow_answer(
    after_effect: bool, left: list[str], octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    octo.fault("POST", r"/check-runs$", delay=1.0, after_effect=after_effect)
    http.timeout = httpx.Timeout(10, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        post(http, demo)
    deadline = time.monotonic() + 10
    while not octo.requests[0].is_over:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert names(octo) == left


def test_a_secondary_rate_limit(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.fault(
        "POST",
        r"/check-runs$",
        status=403,
        headers={"Retry-After": "1"},
        body={"message": "You have exceeded a secondary rate limit."},
    )
    answer = post(connect(octo), demo)
    assert (answer.status_code, answer.headers["retry-after"]) == (403, "1")
    assert answer.json() == {"message": "You have exceeded a secondary rate limit."}


@pytest.mark.parametrize(("body", "content"), [("<html>", b"<html>"), (b"\xff", b"\xff")])
def test_an_answer_that_is_no_json(
    body: str | bytes, content: bytes, octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.fault("POST", r"/check-runs$", status=502, body=body)
    assert post(connect(octo), demo).content == content
    assert octo.requests[-1].answer == content


def test_faults_are_met_in_their_order_and_by_method_and_path(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    octo.fault("GET", r"^/repos/octo/demo$", status=500)
    octo.fault("GET", r"^/repos/octo/demo", status=503)
    octo.fault("PATCH", "", status=504)
    paths = ("/repos/octo/demo/pulls", "/repos/octo/demo", "/repos/octo/demo")
    assert [http.get(path).status_code for path in paths] == [503, 500, 200]


def test_faults_are_at_the_archives_too(octo: FakeGitHub) -> None:
    octo.fault("GET", r"/legacy\.tar\.gz/", status=502)
    url = f"{octo.codeload_url}/octo/demo/legacy.tar.gz/main"
    assert [httpx.get(url, trust_env=False).status_code for _ in range(2)] == [502, 200]


def test_a_delay_has_an_end(octo: FakeGitHub) -> None:
    with pytest.raises(ValueError, match="0 to 60 s"):
        octo.fault("GET", "", delay=61)

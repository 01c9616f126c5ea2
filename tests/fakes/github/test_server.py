"""The server itself: quickly there, quickly gone, and a memory of all that it was asked."""

import threading
import time

import httpx
import pytest

from tests.fakes.github.conftest import Connect, Demo
from tests.fakes.github.server import FakeGitHub


def test_it_starts_and_ends_at_once_and_leaves_no_thread() -> None:
    starts, ends = [], []
    for _ in range(3):
        began = time.monotonic()
        with FakeGitHub() as fake:
            starts.append(time.monotonic() - began)
            assert httpx.get(f"{fake.url}/rate_limit", trust_env=False).status_code == 200
            began = time.monotonic()
        ends.append(time.monotonic() - began)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{fake.url}/rate_limit", trust_env=False)
    # The best of three: other tests may keep the machine busy.
    assert min(starts) < 0.3
    assert min(ends) < 0.3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fake GitHub")]


def test_it_is_away_for_a_while_and_remembers(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    check = {"name": "review", "head_sha": demo.head}
    url = http.post("/repos/octo/demo/check-runs", json=check).json()["url"]
    octo.close()
    with pytest.raises(httpx.ConnectError):
        http.get(url)
    octo.start()
    octo.fault("GET", "/check-runs/", delay=0.05)
    assert http.get(url).json()["name"] == "review"


def test_it_ends_though_clients_are_connected_and_answers_are_late() -> None:
    with FakeGitHub() as fake, httpx.Client(base_url=fake.url, trust_env=False) as http:
        assert http.get("/rate_limit").status_code == 200
        fake.fault("GET", "/rate_limit", delay=30)
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(http.get("/rate_limit").status_code))
        thread.start()
        deadline = time.monotonic() + 10
        while len(fake.requests) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        began = time.monotonic()
        fake.close()
        assert time.monotonic() - began < 5
        thread.join(10)
        assert answers == [200]


def test_a_server_that_never_started_closes(demo: Demo) -> None:
    fake = FakeGitHub()
    fake.repository("octo/demo", demo.directory)
    fake.close()
    fake.close()


def test_a_port_that_is_taken_is_an_error() -> None:
    with FakeGitHub() as fake:
        port = int(fake.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            FakeGitHub(port).start()


def test_two_are_two(demo: Demo) -> None:
    with FakeGitHub() as one, FakeGitHub() as other:
        one.repository("octo/demo", demo.directory)
        assert httpx.get(f"{one.url}/repos/octo/demo", trust_env=False).status_code == 200
        assert httpx.get(f"{other.url}/repos/octo/demo", trust_env=False).status_code == 404


def test_every_request_is_remembered(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    body = {"name": "größe", "head_sha": demo.head}
    http.post("/repos/octo/demo/check-runs", json=body)
    http.get("/repos/octo/demo/commits/feature/check-runs", params={"check_name": "größe", "per_page": "5"})
    create, listed = octo.requests
    assert (create.method, create.path, create.status) == ("POST", "/repos/octo/demo/check-runs", 201)
    assert create.json == body
    assert create.answer["name"] == "größe"
    assert create.headers["authorization"].startswith("Bearer ghs_15368_")
    assert create.template == "/repos/{owner}/{repo}/check-runs"
    assert listed.query == {"check_name": "größe", "per_page": "5"}
    assert listed.json is None
    assert listed.parameters["ref"] == "feature"
    assert 0 <= listed.at - create.at < 10
    assert str(create) == "POST /repos/octo/demo/check-runs -> 201"


def test_many_at_once_are_one_after_the_other(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)

    def write(number: int) -> None:
        body = {"name": f"check {number}", "head_sha": demo.head}
        assert http.post("/repos/octo/demo/check-runs", json=body).status_code == 201

    threads = [threading.Thread(target=write, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    checks = octo.repository_named("octo/demo").checks(demo.head)
    assert sorted(check.name for check in checks) == sorted(f"check {number}" for number in range(30))
    assert len({check.id for check in checks}) == 30


def test_a_fake_that_breaks_says_so(
    fake: FakeGitHub, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake.repository_named("octo/demo"), "git", None)
    assert connect(fake).get("/repos/octo/demo/commits/main").status_code == 500
    assert "the fake itself broke: AttributeError" in fake.violations[0]

"""Two Apps and a workflow on one repository: what each may touch, is told, and has asked."""

from typing import Any

import pytest

from tests.fakes.github.apps import App
from tests.fakes.github.conftest import BOT, Connect, Demo
from tests.fakes.github.receiving import Receiver
from tests.fakes.github.repository import Repository
from tests.fakes.github.server import FakeGitHub

CHECKS = "/repos/octo/demo/check-runs"
BUTTON = {"label": "Retry", "description": "Again", "identifier": "retry"}


@pytest.fixture
def repository(octo: FakeGitHub, demo: Demo) -> Repository:
    found = octo.repository_named("octo/demo")
    found.pull(7, head=demo.head)
    return found


@pytest.fixture
def other(octo: FakeGitHub, receiver: Receiver) -> App:
    app = octo.app("other-bot", BOT, hook_url=receiver.url)
    app.install("octo/demo")
    octo.settle()
    app.deliveries.clear()
    return app


def told(app: App) -> list[str]:
    return [f"{each.event}.{each.action}" for each in app.deliveries]


def create(octo: FakeGitHub, connect: Connect, app: App, demo: Demo, **body: Any) -> None:
    http = connect(octo, app.token().value)
    assert http.post(CHECKS, json={"name": "review", "head_sha": demo.head, **body}).status_code == 201


def test_both_are_told_of_a_comment_under_one_guid(bot: App, other: App, repository: Repository) -> None:
    repository.pull(7).comment("/run-automation", "alice")
    assert told(bot) == told(other) == ["issue_comment.created"]
    mine, its = bot.deliveries[0], other.deliveries[0]
    assert mine.guid == its.guid
    assert mine.payload["installation"]["id"] != its.payload["installation"]["id"]


def test_a_check_run_is_its_apps(
    octo: FakeGitHub, bot: App, other: App, repository: Repository, demo: Demo, connect: Connect
) -> None:
    create(octo, connect, bot, demo, status="queued")
    check = repository.check("review")
    for token in (other.token(), octo.job_token("octo/demo", run_id=1, permissions={"checks": "write"})):
        answer = connect(octo, token.value).patch(f"{CHECKS}/{check.id}", json={"conclusion": "success"})
        assert answer.status_code == 403
        assert answer.json()["message"].startswith("Invalid app_id")
    assert check.status == "queued"


def test_buttons_and_re_run_reach_the_owner_only(
    octo: FakeGitHub, bot: App, other: App, repository: Repository, demo: Demo, connect: Connect
) -> None:
    create(octo, connect, bot, demo, conclusion="failure", actions=[BUTTON])
    assert told(bot) == told(other) == ["check_run.created", "check_run.completed", "check_suite.completed"]
    bot.deliveries.clear()
    other.deliveries.clear()
    check = repository.check("review")
    check.rerun(by="alice")
    check.click("retry", by="alice")
    repository.rerun_suite(demo.head, bot, by="alice")
    assert told(bot) == ["check_run.rerequested", "check_run.requested_action", "check_suite.rerequested"]
    assert told(other) == []
    again, clicked, _ = (each.payload for each in bot.deliveries)
    assert again["check_run"]["id"] == check.id
    assert again["sender"]["login"] == "alice"
    assert clicked["requested_action"] == {"identifier": "retry"}


def test_a_re_run_resets_the_suite_and_leaves_the_run(
    octo: FakeGitHub, bot: App, repository: Repository, demo: Demo, connect: Connect
) -> None:
    create(octo, connect, bot, demo, conclusion="failure")
    repository.check("review").rerun()
    http = connect(octo)
    suites = f"/repos/octo/demo/commits/{demo.head}/check-suites"
    assert http.get(suites).json()["check_suites"][0]["status"] == "queued"
    repository.check("review").is_("failure")
    create(octo, connect, bot, demo, conclusion="success")
    assert http.get(suites).json()["check_suites"][0]["status"] == "completed"


def test_there_is_no_button_before_the_end(
    octo: FakeGitHub, bot: App, repository: Repository, demo: Demo, connect: Connect
) -> None:
    create(octo, connect, bot, demo, status="in_progress", actions=[BUTTON])
    check = repository.check("review")
    with pytest.raises(AssertionError, match="no 'retry'"):
        check.click("retry")
    with pytest.raises(AssertionError, match="has no Re-run yet"):
        check.rerun()
    repository.change_check(check, {"conclusion": "failure"}, bot)
    check.click("retry")
    with pytest.raises(AssertionError, match="no 'approve'"):
        check.click("approve")


def test_a_push_asks_every_app_that_writes_checks(
    octo: FakeGitHub, bot: App, other: App, repository: Repository, demo: Demo
) -> None:
    octo.app("reader", {"checks": "read"}).install("octo/demo")
    repository.pull(7).push(demo.main, by="bob")
    for app in (bot, other):
        assert "check_suite.requested" in told(app)
        (payload,) = (each.payload for each in app.deliveries if each.event == "check_suite")
        assert payload["check_suite"]["app"]["id"] == app.id
        assert payload["check_suite"]["head_branch"] == "feature"
    assert {suite.app.slug for suite in repository.suites} == {"our-bot", "other-bot"}


def test_a_push_to_a_fork_makes_no_suite(bot: App, repository: Repository, demo: Demo) -> None:
    pull = repository.pull(8, head=demo.head, fork="mallory/demo", author="mallory")
    pull.push(demo.main)
    assert told(bot) == ["pull_request.synchronize"]
    assert (bot.deliveries[0].payload["before"], bot.deliveries[0].payload["after"]) == (demo.head, demo.main)


def test_a_push_to_a_branch_moves_its_pull_requests(bot: App, repository: Repository, demo: Demo) -> None:
    demo.git("branch", "--force", "topic", demo.fork_point)
    pull = repository.pull(8, head=demo.fork_point, head_ref="topic")
    with pytest.raises(AssertionError, match="move it first"):
        repository.push("topic", demo.head)
    demo.git("branch", "--force", "topic", demo.head)
    repository.push("topic", demo.head, author="alice")
    demo.git("branch", "-D", "topic")
    assert pull.head == demo.head
    assert told(bot) == ["push.None", "check_suite.requested", "pull_request.synchronize"]
    pushed = bot.deliveries[0].payload
    assert (pushed["ref"], pushed["after"], pushed["pusher"]["name"]) == (
        "refs/heads/topic",
        demo.head,
        "alice",
    )
    assert pushed["head_commit"]["added"] == ["new.py", "picture.bin"]
    with pytest.raises(AssertionError, match="no branch topic"):
        repository.push("topic")


def test_the_requests_of_an_app_are_told_apart(
    octo: FakeGitHub, bot: App, other: App, demo: Demo, connect: Connect
) -> None:
    token = bot.token()
    http = connect(octo, token.value)
    connect(octo, bot.jwt()).get("/app")
    create(octo, connect, other, demo)
    http.get("/repos/octo/demo/tarball/main", follow_redirects=False)
    connect(octo, "").get(f"{octo.codeload_url}/octo/demo/legacy.tar.gz/main")
    octo.fault("GET", "/repos/octo/demo$", status=502)
    http.get("/repos/octo/demo")
    token.revoke()
    assert http.get("/repos/octo/demo").status_code == 401
    connect(octo, "").get("/repos/octo/demo")
    connect(octo, "nonsense").get("/repos/octo/demo")
    assert [str(request) for request in octo.requests_of(bot)] == [
        "GET /app -> 200",
        "GET /repos/octo/demo/tarball/main -> 302",
        "GET /octo/demo/legacy.tar.gz/main -> 200",
        "GET /repos/octo/demo -> 502",
        "GET /repos/octo/demo -> 401",
    ]
    assert len(octo.requests_of(other)) == 1


def test_a_role_is_taken_away(octo: FakeGitHub, repository: Repository, connect: Connect) -> None:
    http = connect(octo)
    url = "/repos/octo/demo/collaborators/alice/permission"
    repository.collaborator("alice", "maintain")
    assert http.get(url).json()["role_name"] == "maintain"
    repository.collaborator("alice", None)
    assert http.get(url).json()["role_name"] == "read"


def test_what_befalls_an_installation(
    octo: FakeGitHub, bot: App, repository: Repository, connect: Connect
) -> None:
    http = connect(octo, bot.token().value)
    installation = bot.installations[0]
    path = f"/app/installations/{installation.id}/access_tokens"
    installation.suspend()
    answer = http.get("/repos/octo/demo")
    assert answer.status_code == 403
    assert answer.json()["message"] == "This installation has been suspended"
    assert connect(octo, bot.jwt()).get("/app/installations").json()[0]["suspended_at"] is not None
    repository.comment(7, "while it is suspended")
    installation.unsuspend()
    assert http.get("/repos/octo/demo").status_code == 200
    installation.delete()
    assert http.get("/repos/octo/demo").status_code == 401
    assert connect(octo, bot.jwt()).post(path).status_code == 404
    repository.comment(7, "when it is gone")
    assert told(bot) == ["installation.suspend", "installation.unsuspend", "installation.deleted"]

"""Which commit each event is about, what the run is told of it, and who may start it: design table, row by row."""

import json
from typing import Any

import pytest

from tests.fakes.github.pulls import GONE
from tests.stories.action.conftest import Demo
from tests.workflow import REPOSITORY, Ended, git

TELL = """echo "sha=$AUTOMATION_SHA pr=$AUTOMATION_PR base=$AUTOMATION_BASE_REF head=$AUTOMATION_HEAD_REF"
echo "event=$(python3 -c 'import json, os; print(json.load(open(os.environ["AUTOMATION_EVENT_PATH"])).get("action"))')"
[ -z "$AUTOMATION_REPO_DIR" ] || (cd "$AUTOMATION_REPO_DIR" && echo "files=$(find . -type f | sort | tr '\\n' ' ')")
[ -z "$AUTOMATION_CHANGES" ] || grep '^diff --git' "$AUTOMATION_CHANGES"
echo "npm=$NPM_TOKEN key=$SESSION_API_KEY"
"""
SECRETS = {"github": {"secrets": ["NPM_TOKEN", "SESSION_API_KEY"]}}


class History:
    """main with an automation, and a branch `feature` one commit ahead; the checkout knows main only."""

    def __init__(self, demo: Demo, main: str = TELL, **definition: Any) -> None:
        self.demo = demo
        self.base = demo.automation(main, **(SECRETS | definition))
        path = demo.checkout.path
        git(path, "checkout", "-q", "-b", "feature")
        demo.checkout.write("new.py", "print('new')\n")
        demo.checkout.automation("review", "echo the changed one\n", **(SECRETS | definition))
        self.head = demo.checkout.commit("Feature")
        git(path, "checkout", "-q", "main")
        # What GitHub has stays there; the job's checkout is shallow, as actions/checkout makes it.
        demo.repository  # noqa: B018
        shallow = demo.directory / "shallow"
        git(path, "clone", "-q", "--depth=1", "--branch=main", f"file://{path}", str(shallow))
        demo.checkout.path = shallow

    def pull_request(self, fork: Any = None) -> dict[str, Any]:
        pull = self.demo.repository.pull(7, head=self.head, base="main", fork=fork, author="mallory")
        repository = {"full_name": REPOSITORY}
        head_repository = (
            {"full_name": fork} if isinstance(fork, str) else None if fork is GONE else repository
        )
        return {
            "number": pull.number,
            "state": "open",
            "head": {"sha": self.head, "ref": "feature", "repo": head_repository},
            "base": {"sha": self.base, "ref": "main", "repo": repository},
        }

    def comment(self, body: str = "/run-automation review", **changes: Any) -> dict[str, Any]:
        return {
            "action": "created",
            "repository": {"full_name": REPOSITORY, "default_branch": "main"},
            "issue": {"number": 7, "pull_request": {"url": "…"}, "state": "open"},
            "comment": {"id": 1, "body": body, "user": {"login": "alice", "id": 5, "type": "User"}},
        } | changes


async def run(demo: Demo, event_name: str, event: dict[str, Any], **given: Any) -> Ended:
    inputs = given.pop("inputs", {})
    sha = given.pop("sha", "") or git(demo.checkout.path, "rev-parse", "HEAD")
    environment = {"AUTOMATION_FORK_AGENT_SERVER_URL": "", **given.pop("environment", {})}
    job = demo.job(sha, event_name=event_name, event=event, environment=environment, **given)
    return await job.run("review", **({"secrets": json.dumps({"NPM_TOKEN": "npm-secret-1"})} | inputs))


async def test_a_pull_request_is_about_its_head_though_the_checkout_has_the_merge(demo: Demo) -> None:
    history = History(demo)
    event = {"action": "opened", "number": 7, "pull_request": history.pull_request()}
    ended = await run(demo, "pull_request", event)
    assert ended.code == 0, ended.log
    assert f"sha={history.head} pr=7 base=main head=feature" in ended.log
    assert "event=opened" in ended.log
    assert "./new.py" in ended.log
    assert "diff --git a/new.py b/new.py" in ended.log
    assert "npm=*** key=***" in ended.log
    demo.check(history.head).is_("success")
    assert demo.repository.checks(history.base) == []


async def test_the_archive_of_a_pull_request_is_fetched_without_the_token_on_the_way(demo: Demo) -> None:
    history = History(demo)
    event = {"action": "opened", "number": 7, "pull_request": history.pull_request()}
    ended = await run(demo, "pull_request", event)
    assert ended.code == 0
    fetched = [
        each for each in demo.github.requests if "authorization" not in {n.lower() for n in each.headers}
    ]
    assert len(fetched) == 1
    assert all("tarball" not in line for line in demo.writes())


@pytest.mark.parametrize("fork", ["mallory/demo", GONE])
async def test_a_pull_request_from_a_fork_gets_no_secret_and_no_key(demo: Demo, fork: Any) -> None:
    history = History(demo)
    event = {"action": "opened", "number": 7, "pull_request": history.pull_request(fork)}
    ended = await run(demo, "pull_request", event)
    assert ended.code == 0, ended.log
    assert "npm= key=\n" in ended.log
    assert "a fork's" in ended.log


async def test_a_read_only_token_is_said_once_and_the_summary_and_the_exit_code_tell(demo: Demo) -> None:
    history = History(demo, "echo 'error: no'; exit 5")
    event = {"action": "opened", "number": 7, "pull_request": history.pull_request("mallory/demo")}
    ended = await run(demo, "pull_request", event, permissions={"checks": "read", "contents": "read"})
    assert (*ended.verdict, ended.code) == ("failure", "exit-code", 1)
    assert ended.log.count("the token may not write checks") == 1
    assert "checks: write" in ended.log
    assert "error: no" in ended.summary
    assert ended.outputs["check-run-id"] == ""
    assert len([line for line in demo.writes() if "check-runs" in line]) == 1


@pytest.mark.parametrize(
    "event_name", ["push", "schedule", "workflow_dispatch", "release", "repository_dispatch"]
)
async def test_other_events_are_about_the_commit_of_the_workflow(demo: Demo, event_name: str) -> None:
    history = History(demo)
    ended = await run(demo, event_name, {"action": "x"})
    assert ended.code == 0, ended.log
    assert f"sha={history.base} pr= base= head=main" in ended.log
    demo.check(history.base).is_("success")


async def test_a_push_is_told_what_it_changed(demo: Demo) -> None:
    history = History(demo)
    ended = await run(demo, "push", {"before": history.base, "after": history.head}, sha=history.head)
    assert "diff --git a/new.py b/new.py" in ended.log
    demo.check(history.head).is_("success")


async def test_a_merge_group_is_about_its_head(demo: Demo) -> None:
    history = History(demo)
    group = {
        "head_sha": history.head,
        "base_sha": history.base,
        "head_ref": "refs/heads/gh/q",
        "base_ref": "refs/heads/main",
    }
    ended = await run(demo, "merge_group", {"action": "checks_requested", "merge_group": group})
    assert f"sha={history.head} pr= base=main head=gh/q" in ended.log
    demo.check(history.head).is_("success")


async def test_a_comment_runs_the_base_branchs_definition_on_the_pinned_head(demo: Demo) -> None:
    history = History(demo)
    history.pull_request()
    demo.repository.collaborator("alice", "write")
    ended = await run(demo, "issue_comment", history.comment())
    assert ended.code == 0, ended.log
    assert f"sha={history.head} pr=7" in ended.log
    assert "the changed one" not in ended.log
    assert "./new.py" in ended.log
    demo.check(history.head).is_("success")


async def test_a_definition_on_another_base_branch_is_read_from_there(demo: Demo) -> None:
    history = History(demo)
    git(demo.repository.git.directory, "branch", "next", "feature")
    pull = history.pull_request()
    demo.repository.pull(8, head=history.base, base="next", author="alice")
    demo.repository.collaborator("alice", "admin")
    event = history.comment(issue={"number": 8, "pull_request": {}, "state": "open"})
    assert pull["number"] == 7
    ended = await run(demo, "issue_comment", event)
    assert "the changed one" in ended.log, ended.log
    demo.check(history.base).is_("success")


@pytest.mark.parametrize(
    ("role", "who", "is_let_through"),
    [
        ("write", "write", True),
        ("maintain", "write", True),
        ("triage", "write", False),
        ("read", "write", False),
        ("write", "admin", False),
        ("read", "read", True),
        (None, "read", False),
    ],
)
async def test_who_comments_needs_the_role(
    demo: Demo, role: str | None, who: str, is_let_through: bool
) -> None:
    history = History(demo, "echo hi", github={"who": who})
    history.pull_request()
    if role:
        demo.repository.collaborator("alice", role)
    ended = await run(demo, "issue_comment", history.comment(), inputs={"secrets": ""})
    if is_let_through:
        assert ended.code == 0, ended.log
        demo.check(history.head).is_("success")
    else:
        assert (*ended.verdict, ended.code) == ("action_required", "not-allowed", 2)
        assert "alice" in ended.errors[0]
        assert demo.repository.checks(history.head) == [], "a stranger cannot colour a pull request"
        assert demo.runs() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "edited"},
        {"action": "deleted"},
        {"issue": {"number": 7, "state": "open"}},
        {"comment": {"body": "x", "user": {"login": "alice", "type": "Bot"}}},
        {"comment": {"body": "x", "user": None}},
        {
            "comment": {
                "body": "x",
                "user": {"login": "alice", "type": "User"},
                "performed_via_github_app": {"id": 1},
            }
        },
    ],
)
async def test_only_new_comments_of_people_on_pull_requests_count(
    demo: Demo, changes: dict[str, Any]
) -> None:
    history = History(demo)
    history.pull_request()
    demo.repository.collaborator("alice", "admin")
    ended = await run(demo, "issue_comment", history.comment(**changes))
    assert (*ended.verdict, ended.code) == ("action_required", "not-allowed", 2)
    assert demo.repository.checks(history.head) == []


async def test_a_closed_pull_request_starts_nothing(demo: Demo) -> None:
    history = History(demo)
    demo.repository.pull(7, head=history.head, base="main", author="mallory", state="closed")
    demo.repository.collaborator("alice", "admin")
    ended = await run(demo, "issue_comment", history.comment())
    assert ended.verdict == ("action_required", "not-allowed")
    assert "closed" in ended.errors[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("/run-automation review", "fork-needs-approval"),
        ("/run-automation review --sha {short}", "fork-needs-approval"),
        ("/run-automation review --sha {other}", "sha-moved"),
        ("> /run-automation review --sha {head}\n\nno", "fork-needs-approval"),
        ("/run-automation review --sha {head}", "fork-needs-isolation"),
    ],
)
async def test_a_forks_commit_has_to_be_named_in_full_and_needs_a_server_of_its_own(
    demo: Demo, body: str, reason: str
) -> None:
    history = History(demo)
    history.pull_request("mallory/demo")
    demo.repository.collaborator("alice", "admin")
    words = body.format(short=history.head[:7], other=history.base, head=history.head)
    ended = await run(demo, "issue_comment", history.comment(words))
    assert (*ended.verdict, ended.code) == ("action_required", reason, 2)
    assert demo.repository.checks(history.head) == []
    assert demo.runs() == []


async def test_an_approved_fork_runs_on_the_server_set_aside_without_secrets(demo: Demo) -> None:
    history = History(demo)
    history.pull_request("mallory/demo")
    demo.repository.collaborator("alice", "write")
    fork_server = {
        "AUTOMATION_FORK_AGENT_SERVER_URL": demo.server.url,
        "AUTOMATION_FORK_AGENT_SERVER_API_KEY": demo.server.key,
    }
    ended = await run(
        demo,
        "issue_comment",
        history.comment(f"/run-automation review --sha {history.head}"),
        environment=fork_server,
        inputs={"agent_server_url": "http://127.0.0.1:9", "agent_server_api_key": "another-key"},
    )
    assert ended.code == 0, ended.log
    assert "npm= key=\n" in ended.log
    demo.check(history.head).is_("success")


async def test_pull_request_target_waits_for_the_approval_of_a_forks_commit(demo: Demo) -> None:
    history = History(demo)
    event = {
        "action": "opened",
        "number": 7,
        "repository": {"default_branch": "main"},
        "pull_request": history.pull_request("mallory/demo"),
    }
    ended = await run(demo, "pull_request_target", event, inputs={"sha": history.head})
    assert (*ended.verdict, ended.code) == ("action_required", "fork-needs-approval", 2)
    check = demo.check(history.head)
    assert (check.conclusion, check.name) == ("action_required", "review")
    assert history.head in (check.summary or "")


async def test_pull_request_target_of_the_repository_itself_runs(demo: Demo) -> None:
    history = History(demo)
    event = {
        "action": "opened",
        "repository": {"default_branch": "main"},
        "pull_request": history.pull_request(),
    }
    ended = await run(demo, "pull_request_target", event)
    assert ended.code == 0, ended.log
    assert "the changed one" not in ended.log
    demo.check(history.head).is_("success")


async def test_a_fork_that_is_denied_is_denied(demo: Demo) -> None:
    history = History(demo, "echo hi", github={"forks": "deny"})
    history.pull_request("mallory/demo")
    demo.repository.collaborator("alice", "admin")
    ended = await run(demo, "issue_comment", history.comment(f"/x {history.head}"))
    assert ended.verdict == ("action_required", "not-allowed")
    assert "forks: deny" in ended.errors[0]


async def test_by_hand_a_pull_request_is_chosen_by_its_number(demo: Demo) -> None:
    history = History(demo)
    history.pull_request()
    ended = await run(demo, "workflow_dispatch", {}, inputs={"pr": 7})
    assert ended.code == 0, ended.log
    assert f"sha={history.head} pr=7" in ended.log


async def test_a_sha_that_has_moved_on_is_refused(demo: Demo) -> None:
    history = History(demo)
    history.pull_request()
    ended = await run(demo, "workflow_dispatch", {}, inputs={"pr": 7, "sha": history.base})
    assert ended.verdict == ("action_required", "sha-moved")


async def test_a_tree_that_github_cuts_short_is_not_run(demo: Demo) -> None:
    history = History(demo)
    demo.repository.truncate_trees = True
    event = {"action": "opened", "number": 7, "pull_request": history.pull_request()}
    ended = await run(demo, "pull_request", event)
    assert (*ended.verdict, ended.code) == ("failure", "archive-incomplete", 2)
    assert demo.check(history.head).conclusion == "failure"


async def test_history_that_the_checkout_has_not_is_asked_for(demo: Demo) -> None:
    history = History(demo, github={"repository": "git"})
    event = {"action": "opened", "number": 7, "pull_request": history.pull_request()}
    ended = await run(demo, "pull_request", event)
    assert ended.verdict == ("failure", "bad-config")
    assert "fetch-depth: 0" in ended.errors[0]


@pytest.mark.parametrize("event_name", ["issue_comment", "pull_request_target", "workflow_run"])
async def test_embedded_is_refused_where_strangers_cause_the_workflow(demo: Demo, event_name: str) -> None:
    history = History(demo)
    pull = history.pull_request()
    event = history.comment() | {
        "pull_request": pull,
        "workflow_run": {"head_sha": history.head, "head_repository": {"full_name": REPOSITORY}},
    }
    ended = await run(demo, event_name, event, server=None, inputs={"backend": "embedded"})
    assert (*ended.verdict, ended.code) == ("failure", "bad-config", 2)
    assert "embedded" in ended.errors[0]


async def test_a_job_of_the_checks_name_is_never_touched(demo: Demo) -> None:
    sha = demo.automation("echo hi", slug="review", name="automations")
    own = demo.repository.job_check("automations", sha, run_id=1)
    ended = await demo.job(sha).run("review")
    assert ended.code == 0, ended.log
    assert (own.status, own.conclusion) != ("completed", "success")
    assert [each.name for each in demo.repository.checks(sha)] == ["automations", "automations (automation)"]
    refused = await demo.job(sha).run("review", check_name="automations")
    assert refused.verdict == ("failure", "bad-config")

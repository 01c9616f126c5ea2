"""GitHub's own examples: each is read without an error, and it is known how many of them ask for what."""

import os
from collections import Counter
from pathlib import Path

import pytest

from automation.definition.trigger import EventTrigger
from automation.run.reduced_event import reduced_event
from bot.events import key_of, read_event, target_of
from bot.triggers import matches
from tests.fakes import webhook_examples as module
from tests.fakes.webhook_examples import examples

EVERYTHING = EventTrigger(type="event", source="github", on=("*",))
APP = 29310  # of the examples' own checks


def test_examples_ask_for_this_much() -> None:
    found = [(event, read_event(event, payload)) for event, payload in examples(installation=42)]
    assert len(found) == 329
    assert Counter((event, type(each).__name__) for event, each in found if each is not None) == {
        ("issue_comment", "CommentCreated"): 5,
        ("check_run", "CheckRerequested"): 2,
        ("check_run", "ActionRequested"): 1,
        ("check_suite", "SuiteRerequested"): 2,
        ("pull_request", "PullRequestMoved"): 5,
    }


def test_examples_of_other_hooks_name_no_installation_and_ask_for_nothing() -> None:
    for event, payload in examples():
        if "installation" not in payload:
            assert read_event(event, payload) is None
            assert target_of(event, payload, app_id=APP) is None


def test_examples_have_keys_that_triggers_match() -> None:
    for event, payload in examples():
        key = key_of(event, payload)
        assert key is not None
        assert key.split(".")[0] == event
        assert matches(EVERYTHING, key, payload)
        assert reduced_event(event, payload)["event_key"] == key


def test_examples_have_these_targets() -> None:
    kinds: Counter[tuple[str, str]] = Counter()
    for event, payload in examples(installation=42):
        target = target_of(event, payload, app_id=APP)
        if target is None:
            kinds[event, "none"] += 1
        elif target.sha:
            kinds[event, "commit"] += 1
        elif target.head_ref not in {"master", "main"}:
            kinds[event, "ref"] += 1
    assert kinds == {
        ("pull_request", "commit"): 29,
        ("pull_request_review", "commit"): 4,
        ("pull_request_review_comment", "commit"): 5,
        ("pull_request_review_thread", "commit"): 3,
        ("push", "commit"): 3,
        ("push", "none"): 4,
        ("merge_group", "commit"): 2,
        ("workflow_run", "commit"): 5,
        ("release", "ref"): 13,
        ("check_run", "none"): 6,
        ("check_suite", "none"): 9,
        **{
            (event, "none"): count
            for event, count in {
                "github_app_authorization": 2,
                "installation": 7,
                "installation_repositories": 3,
                "marketplace_purchase": 4,
                "membership": 5,
                "meta": 2,
                "organization": 5,
                "org_block": 4,
                "ping": 4,
                "projects_v2_item": 7,
                "security_advisory": 4,
                "sponsorship": 4,
                "team": 3,
            }.items()
        },
    }


def test_examples_may_be_changed_without_changing_anybody_elses() -> None:
    examples()[0][1].clear()
    assert examples()[0][1]


def test_without_npm_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("OPENAPI_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "_read", module._read.__wrapped__)
    with pytest.raises(pytest.skip.Exception, match=r"npm pack @octokit/webhooks-examples@7\.6\.1"):
        examples()

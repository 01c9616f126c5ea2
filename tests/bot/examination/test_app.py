"""What is found in GitHub's answers about an App: tables from answers to lines."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.examination.app import (
    App,
    Delivery,
    Hook,
    app_findings,
    delivery_findings,
    hook_findings,
    installation_findings,
    lacking_permissions,
)
from bot.examination.finding import Finding, Level, is_fit
from bot.set_up.manifest import EVENTS, PERMISSIONS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "slug",
                    "permissions",
                    "events",
                    "account",
                    "owner",
                    "html_url",
                    "url",
                    "status_code",
                    "guid",
                ]
            ),
            inner,
        )
    ),
)


def app(permissions: dict[str, str] | None = None, events: tuple[str, ...] = EVENTS) -> App:
    answer: dict[str, Any] = {
        "slug": "our-bot",
        "html_url": "https://github.com/apps/our-bot",
        "owner": {"login": "octo", "type": "Organization"},
        "permissions": dict(PERMISSIONS) if permissions is None else permissions,
        "events": list(events),
    }
    return App.read(answer)


def installation(login: str = "octo", **changes: Any) -> App:
    answer = {
        "app_slug": "our-bot",
        "account": {"login": login},
        "html_url": "https://github.com/organizations/octo/settings/installations/1",
        "permissions": dict(PERMISSIONS),
        "events": list(EVENTS),
        "suspended_at": None,
    }
    return App.read(answer | changes)


def outcome(status: int) -> str:
    """In GitHub's words."""
    gone = {0: "pending", 502: "failed to connect to host", 504: "timed out"}
    return gone.get(status, "OK" if status < 300 else f"Invalid HTTP Response: {status}")


def delivery(guid: str, status: int, minute: int = 0) -> Delivery:
    answer = {
        "guid": guid,
        "event": "issue_comment",
        "status_code": status,
        "status": outcome(status),
        "delivered_at": f"2026-11-23T07:{minute:02}:00Z",
    }
    return Delivery.read(answer)


def of(findings: list[Finding], level: Level) -> list[str]:
    return [f"{finding.about}: {finding.sentence}" for finding in findings if finding.level is level]


def test_an_app_that_has_everything() -> None:
    found = list(app_findings(app()))
    assert is_fit(found)
    assert [finding.about for finding in found] == ["App", "permissions", "events"]
    assert {finding.level for finding in found} == {Level.OK}


def test_permissions_that_are_missing_or_too_low() -> None:
    found = list(app_findings(app({**PERMISSIONS, "checks": "read", "pull_requests": ""})))
    assert of(found, Level.WRONG) == ["permissions: our-bot lacks checks: write, pull_requests: write"]
    [advice] = [finding.advice for finding in found if finding.level is Level.WRONG]
    assert "https://github.com/organizations/octo/settings/apps/our-bot/permissions" in advice


def test_what_only_some_triggers_need_is_a_note() -> None:
    permissions = {name: level for name, level in PERMISSIONS.items() if name != "merge_queues"}
    found = list(app_findings(app(permissions, ("issue_comment", "pull_request"))))
    assert is_fit(found)
    assert of(found, Level.NOTE) == [
        "permissions: our-bot lacks merge_queues: read, which only some triggers need",
        (
            "events: our-bot is not told of issues, merge_group, pull_request_review, push, release, "
            "which only some triggers need"
        ),
    ]


def test_reading_issues_is_no_trifle_because_comments_come_with_it() -> None:
    permissions = {name: level for name, level in PERMISSIONS.items() if name != "issues"}
    found = list(app_findings(app(permissions)))
    assert of(found, Level.WRONG) == ["permissions: our-bot lacks issues: read"]


def test_comments_that_are_not_told_of_are_wrong() -> None:
    found = list(app_findings(app(events=("pull_request",))))
    assert "events: our-bot is not told of issue_comment" in of(found, Level.WRONG)


def test_more_than_is_used_is_a_note() -> None:
    found = list(app_findings(app({**PERMISSIONS, "contents": "write", "administration": "write"})))
    assert of(found, Level.NOTE) == [
        "permissions: our-bot has more than the bot uses: administration: write, contents: write"
    ]


@pytest.mark.parametrize(
    ("wanted", "granted", "lacking"),
    [
        ({"checks": "write"}, {"checks": "admin"}, {}),
        ({"checks": "write"}, {"checks": "read"}, {"checks": "write"}),
        ({"checks": "read"}, {"checks": "odd"}, {"checks": "read"}),
        ({}, {"checks": "write"}, {}),
    ],
)
def test_levels(wanted: dict[str, str], granted: dict[str, str], lacking: dict[str, str]) -> None:
    assert lacking_permissions(wanted, granted) == lacking


def test_an_app_that_is_installed_nowhere() -> None:
    [found] = installation_findings(app(), [])
    assert found.level is Level.WRONG
    assert found.advice == "install it at https://github.com/apps/our-bot/installations/new"


def test_installations() -> None:
    found = list(
        installation_findings(
            app(),
            [
                installation("fine"),
                installation("asleep", suspended_at="2026-01-01T00:00:00Z", permissions={}),
                installation("late", permissions={**PERMISSIONS, "checks": "read"}),
            ],
        )
    )
    assert of(found, Level.OK) == ["installations: fine has it, with all permissions"]
    assert of(found, Level.NOTE) == ["installations: asleep has suspended it"]
    assert of(found, Level.WRONG) == ["installations: late has not accepted checks: write"]


def test_what_the_app_itself_lacks_is_not_its_installations_fault() -> None:
    [found] = installation_findings(app({"checks": "write"}), [installation(permissions={"checks": "write"})])
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ({"url": "https://bot.test/webhook", "content_type": "json", "insecure_ssl": "0"}, []),
        ({"url": "https://bot.test/webhook/", "content_type": "json"}, []),
        ({}, ["the App has no webhook"]),
        (
            {"url": "https://old.test/webhook", "content_type": "json"},
            ["the App's webhook URL is https://old.test/webhook"],
        ),
        (
            {"url": "https://bot.test/webhook", "content_type": "form", "insecure_ssl": 1},
            ["its content type is not application/json", "GitHub does not verify the certificate"],
        ),
    ],
)
def test_the_webhook(hook: dict[str, Any], expected: list[str]) -> None:
    found = list(hook_findings(Hook.read(hook), "https://bot.test"))
    assert [finding.sentence for finding in found if finding.level is Level.WRONG] == expected


@pytest.mark.parametrize(
    ("statuses", "level", "words"),
    [
        ([], Level.NOTE, "has sent none"),
        ([("a", 202), ("b", 200)], Level.OK, "the last 2 arrived"),
        ([("a", 202), ("b", 502), ("c", 202)], Level.NOTE, "1 of the last 3 did not arrive"),
        ([("b", 401), ("c", 202)], Level.WRONG, "BOT_WEBHOOK_SECRET is not the secret"),
        ([("b", 404)], Level.WRONG, "does not lead to the bot's /webhook"),
        ([("b", 0)], Level.WRONG, "pending"),
        ([("b", 502)], Level.WRONG, "(issue_comment: failed to connect to host); GitHub has to reach"),
        ([("b", 504)], Level.WRONG, "within 10 s"),
        ([("b", 503)], Level.WRONG, "the bot's log of that time"),
        ([("b", 302)], Level.WRONG, "Invalid HTTP Response: 302"),
        # Sent again later and received: nothing is lost.
        ([("b", 202), ("a", 202), ("b", 502)], Level.OK, "the last 2 arrived"),
        # Received, and then sent again in vain: the bot has it.
        ([("b", 502), ("b", 202)], Level.OK, "the last 1 arrived"),
    ],
)
def test_deliveries(statuses: list[tuple[str, int]], level: Level, words: str) -> None:
    deliveries = [delivery(guid, status, 59 - n) for n, (guid, status) in enumerate(statuses)]
    [found] = delivery_findings(deliveries)
    assert found.level is level
    assert words in str(found)


@given(JSON)
def test_odd_answers_are_read_as_absent(answer: Any) -> None:
    read = App.read(answer)
    for finding in (
        *app_findings(read),
        *installation_findings(read, [read]),
        *hook_findings(Hook.read(answer), "https://bot.test"),
        *delivery_findings([Delivery.read(answer)]),
    ):
        assert "\n" not in str(finding)

"""The manifest, as a whole: a change to what the App may do is a change to this test."""

import pytest

from bot.set_up.github_address import api_url_of, app_settings_url, new_app_url
from bot.set_up.manifest import PERMISSIONS, manifest
from tests.fakes.github.apps import covers


def test_the_manifest() -> None:
    assert manifest("our bot", "https://bot.test", "http://127.0.0.1:8089/setup/callback") == {
        "name": "our bot",
        "url": "https://bot.test",
        "description": "Runs this repository's automations on `/run-automation` and on events.",
        "hook_attributes": {"url": "https://bot.test/webhook", "active": True},
        "redirect_url": "http://127.0.0.1:8089/setup/callback",
        "public": False,
        "default_permissions": {
            "checks": "write",
            "contents": "read",
            "issues": "read",
            "merge_queues": "read",
            "metadata": "read",
            "pull_requests": "write",
        },
        "default_events": [
            "issue_comment",
            "issues",
            "merge_group",
            "pull_request",
            "pull_request_review",
            "push",
            "release",
        ],
    }


@pytest.mark.parametrize("name", ["contents", "administration", "workflows", "secrets", "actions", "members"])
def test_what_an_app_of_ours_may_never_write(name: str) -> None:
    assert not covers(PERMISSIONS, name, "write")


@pytest.mark.parametrize(
    ("github_url", "api_url"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://octo.ghe.com", "https://api.octo.ghe.com"),
        ("https://ghe.example.com:8443", "https://ghe.example.com:8443/api/v3"),
    ],
)
def test_where_the_api_is(github_url: str, api_url: str) -> None:
    assert api_url_of(github_url) == api_url


def test_where_the_form_goes() -> None:
    assert (
        new_app_url("https://github.com", "", "s+/=")
        == "https://github.com/settings/apps/new?state=s%2B%2F%3D"
    )
    assert new_app_url("https://ghe.test", "o/../x", "s") == (
        "https://ghe.test/organizations/o%2F..%2Fx/settings/apps/new?state=s"
    )


@pytest.mark.parametrize(
    ("html_url", "owner", "expected"),
    [
        ("https://github.com/apps/a", {"login": "me", "type": "User"}, "https://github.com/settings/apps/a"),
        (
            "https://ghe.test/github-apps/a",
            {"login": "octo", "type": "Organization"},
            "https://ghe.test/organizations/octo/settings/apps/a",
        ),
        ("https://[odd", {}, "https://[odd"),
    ],
)
def test_where_an_app_is_changed(html_url: str, owner: dict[str, str], expected: str) -> None:
    assert app_settings_url(html_url, owner, "a") == expected

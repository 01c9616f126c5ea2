"""What the App may do and hears of: the manifest that GitHub makes it from. Pure.

A permission that is added later has to be accepted by every installation, so that all that the bot ever needs is
asked for once. It may never write contents or settings: what it runs does not get its token.

Source: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
and https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Mapping
from typing import Any, Final

PERMISSIONS: Final[Mapping[str, str]] = {
    "checks": "write",
    "contents": "read",
    "issues": "read",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
}

EVENTS: Final = (
    "issue_comment",
    "issues",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "push",
    "release",
)
"""What has to be subscribed to; an App that may write checks hears of `check_run` and `check_suite` anyway."""

WEBHOOK: Final = "/webhook"
LONGEST_NAME: Final = 34
"""Characters of an App's name on GitHub."""


def manifest(name: str, public_url: str, redirect_url: str) -> dict[str, Any]:
    """The manifest of an App.

    Args:
        name: what GitHub's page proposes; it has to be the only one of its kind on GitHub, and can be changed there.
        public_url: where the bot is reached; without a trailing slash.
        redirect_url: where GitHub sends the browser once the App is made.
    """
    return {
        "name": name,
        "url": public_url,
        "description": "Runs this repository's automations on `/run-automation` and on events.",
        "hook_attributes": {"url": f"{public_url}{WEBHOOK}", "active": True},
        "redirect_url": redirect_url,
        "public": False,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
    }

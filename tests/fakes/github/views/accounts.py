"""Accounts as GitHub's API shows them."""

from typing import Any
from urllib.parse import quote

from tests.fakes.github.accounts import Account, Membership


def account(shown: Account, url: str) -> dict[str, Any]:
    name = quote(shown.login)
    api = f"{url}/users/{name}"
    return {
        "login": shown.login,
        "id": shown.id,
        "node_id": f"U_{shown.id}",
        "avatar_url": f"{url}/avatars/u/{shown.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{url}/{name}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": shown.type,
        "site_admin": False,
    }


def permission(shown: Account, member: Membership | None, url: str, *, is_public: bool) -> dict[str, Any]:
    """The answer of the permission endpoint; anybody may read what is public.

    What GitHub gives as `role_name` of somebody without a role is not known; here it is `permission` again.
    """
    nobody = "read" if is_public else "none"
    flags = (
        member.flags
        if member
        else {"pull": is_public, "triage": False, "push": False, "maintain": False, "admin": False}
    )
    role = member.role_name if member else nobody
    return {
        "permission": member.permission if member else nobody,
        "role_name": role,
        "user": {**account(shown, url), "permissions": flags, "role_name": role},
    }

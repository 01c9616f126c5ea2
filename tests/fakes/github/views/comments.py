"""Comments and reactions as GitHub's API shows them."""

from collections.abc import Sequence
from typing import Any

from tests.fakes.github.comments import Comment, Reaction
from tests.fakes.github.repository import Repository
from tests.fakes.github.views.accounts import account
from tests.fakes.github.views.apps import app

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def comment(shown: Comment, home: Repository) -> dict[str, Any]:
    world = home.world
    api = f"{world.url}/repos/{home.full_name}"
    url = f"{api}/issues/comments/{shown.id}"
    kind = "pull" if shown.number in home.pulls else "issues"
    writer = world.apps_by_slug.get(shown.app_slug) if shown.app_slug else None
    return {
        "id": shown.id,
        "node_id": shown.node_id,
        "url": url,
        "html_url": f"{world.url}/{home.full_name}/{kind}/{shown.number}#issuecomment-{shown.id}",
        "issue_url": f"{api}/issues/{shown.number}",
        "user": account(world.account(shown.author), world.url),
        "body": shown.body,
        "created_at": shown.created_at,
        "updated_at": shown.updated_at,
        "author_association": "NONE",
        "reactions": rollup(shown.reactions, url),
        "performed_via_github_app": app(writer, world) if writer else None,
    }


def reaction(shown: Reaction, home: Repository) -> dict[str, Any]:
    world = home.world
    return {
        "id": shown.id,
        "node_id": f"REA_{shown.id}",
        "user": account(world.account(shown.author), world.url),
        "content": shown.content,
        "created_at": shown.created_at,
    }


def rollup(reactions: Sequence[Reaction], url: str) -> dict[str, Any]:
    """How many reactions of each kind something has."""
    counts = {name: sum(each.content == name for each in reactions) for name in REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}

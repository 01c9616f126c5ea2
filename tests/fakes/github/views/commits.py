"""Commits and changed files as GitHub's API shows them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tests.fakes.github.git import Commit, FileChange, Signature
from tests.fakes.github.repository import Repository


def commit(shown: Commit, home: Repository) -> dict[str, Any]:
    api = f"{home.world.url}/repos/{home.full_name}"
    page = f"{home.world.url}/{home.full_name}/commit"
    return {
        "sha": shown.sha,
        "node_id": f"C_{shown.sha}",
        "commit": {
            "author": _signature(shown.author),
            "committer": _signature(shown.committer),
            "message": shown.message,
            "tree": {"sha": shown.tree, "url": f"{api}/git/trees/{shown.tree}"},
            "url": f"{api}/git/commits/{shown.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{api}/commits/{shown.sha}",
        "html_url": f"{page}/{shown.sha}",
        "comments_url": f"{api}/commits/{shown.sha}/comments",
        # The fake knows no addresses of accounts: no commit has an account of GitHub.
        "author": None,
        "committer": None,
        "parents": [
            {"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in shown.parents
        ],
    }


def simple_commit(shown: Commit) -> dict[str, Any]:
    """As it stands in check suites and workflow runs."""
    return {
        "id": shown.sha,
        "tree_id": shown.tree,
        "message": shown.message,
        "timestamp": shown.committer.date,
        "author": {"name": shown.author.name, "email": shown.author.email},
        "committer": {"name": shown.committer.name, "email": shown.committer.email},
    }


def stats(changes: Sequence[FileChange]) -> dict[str, int]:
    additions = sum(change.additions for change in changes)
    deletions = sum(change.deletions for change in changes)
    return {"additions": additions, "deletions": deletions, "total": additions + deletions}


def changed_file(shown: FileChange, sha: str, home: Repository) -> dict[str, Any]:
    path = quote(shown.path)
    page = f"{home.world.url}/{home.full_name}"
    found: dict[str, Any] = {
        "sha": shown.sha,
        "filename": shown.path,
        "status": shown.status,
        "additions": shown.additions,
        "deletions": shown.deletions,
        "changes": shown.additions + shown.deletions,
        "blob_url": f"{page}/blob/{sha}/{path}",
        "raw_url": f"{page}/raw/{sha}/{path}",
        "contents_url": f"{home.world.url}/repos/{home.full_name}/contents/{path}?ref={sha}",
    }
    if shown.patch is not None:
        found["patch"] = shown.patch
    if shown.previous_path is not None:
        found["previous_filename"] = shown.previous_path
    return found


def _signature(shown: Signature) -> dict[str, str]:
    return {"name": shown.name, "email": shown.email, "date": shown.date}

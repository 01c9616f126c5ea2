"""Repositories as GitHub's API shows them: one form that fits the minimal, the usual and the full one."""

from typing import Any

from tests.fakes.github.repository import Repository
from tests.fakes.github.views.accounts import account

PLAIN_URLS = [
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "hooks",
    "languages",
    "merges",
    "stargazers",
    "subscribers",
    "subscription",
    "tags",
    "teams",
]
TEMPLATES = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "statuses": "/statuses/{sha}",
    "trees": "/git/trees{/sha}",
}
COUNTS = [
    "forks",
    "forks_count",
    "stargazers_count",
    "watchers",
    "watchers_count",
    "size",
    "subscribers_count",
    "network_count",
]


def repository(shown: Repository) -> dict[str, Any]:
    world = shown.world
    api = f"{world.url}/repos/{shown.full_name}"
    page = f"{world.url}/{shown.full_name}"
    open_issues = sum(pull.state == "open" for pull in shown.pulls.values()) + sum(
        issue.state == "open" for issue in shown.issues.values()
    )
    return {
        "id": shown.id,
        "node_id": f"R_{shown.id}",
        "name": shown.name,
        "full_name": shown.full_name,
        "owner": account(world.account(shown.owner), world.url),
        "private": shown.is_private,
        "visibility": "private" if shown.is_private else "public",
        "html_url": page,
        "description": None,
        "fork": shown.parent is not None,
        "url": api,
        **{f"{name}_url": f"{api}/{name}" for name in PLAIN_URLS},
        **{f"{name}_url": api + tail for name, tail in TEMPLATES.items()},
        "git_url": page.replace("http:", "git:") + ".git",
        "ssh_url": f"git@github.com:{shown.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        "custom_properties": {},
        "default_branch": shown.default_branch,
        "open_issues": open_issues,
        "open_issues_count": open_issues,
        **dict.fromkeys(COUNTS, 0),
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "is_template": False,
        "archived": False,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "pushed_at": shown.created_at,
        "created_at": shown.created_at,
        "updated_at": shown.created_at,
    }

"""What a repository holds: commits, differences, trees, blobs, files, archives."""

import base64
from typing import Any
from urllib.parse import quote

from tests.fakes.github.access import read
from tests.fakes.github.answers import Answer, not_found
from tests.fakes.github.git import EMPTY_TREE, TreeEntry
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import commits as views

TEXT = "text/plain; charset=utf-8"
RAW = "application/vnd.github.raw+json; charset=utf-8"
MAX_INLINE = 1024 * 1024
MAX_COMPARED_FILES = 300
LINE = 60


def commit(exchange: Exchange) -> Answer:
    sha = exchange.commit("ref")
    home = exchange.repository
    found = home.git.commit(sha)
    parent = found.parents[0] if found.parents else EMPTY_TREE
    if exchange.accepts("sha"):
        return Answer(200, sha.encode(), media_type="application/vnd.github.sha; charset=utf-8")
    if exchange.accepts("diff"):
        return Answer(200, home.git.diff(parent, sha), media_type=TEXT)
    changes = home.git.changes(parent, sha)
    page, headers = exchange.page(changes)
    shown = {
        **views.commit(found, home),
        "stats": views.stats(changes),
        "files": [views.changed_file(change, sha, home) for change in page],
    }
    return Answer(200, shown, headers)


def compare(exchange: Exchange) -> Answer:
    """Three dots: what the head changed since it left the base. Two dots are no longer GitHub's: 404."""
    base, dots, head = exchange.text("basehead").partition("...")
    home = exchange.repository
    old, new = (home.resolve(name.rpartition(":")[2]) for name in (base, head))
    merge_base = home.git.merge_base(old, new) if old and new else None
    if not dots or old is None or new is None or merge_base is None:
        raise not_found()
    if exchange.accepts("diff"):
        return Answer(200, home.git.diff(merge_base, new), media_type=TEXT)
    if exchange.accepts("patch"):
        return Answer(200, home.git.patches(merge_base, new), media_type=TEXT)
    ahead, behind = home.git.count(f"{old}..{new}"), home.git.count(f"{new}..{old}")
    commits = home.git.commits(f"{old}..{new}")[::-1]
    page, headers = exchange.page(commits)
    url = f"{exchange.world.url}/repos/{home.full_name}/compare/{base}...{head}"
    html = f"{exchange.world.url}/{home.full_name}/compare/{base}...{head}"
    is_first = exchange.query.get("page", "1") == "1"
    files = home.git.changes(merge_base, new)[:MAX_COMPARED_FILES] if is_first else []
    shown = {
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": views.commit(home.git.commit(old), home),
        "merge_base_commit": views.commit(home.git.commit(merge_base), home),
        "status": _relation(ahead, behind),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [views.commit(each, home) for each in page],
        "files": [views.changed_file(change, new, home) for change in files],
    }
    return Answer(200, shown, headers)


def _relation(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    if ahead:
        return "ahead"
    return "behind" if behind else "identical"


def tree(exchange: Exchange) -> Answer:
    """A tree by its id or that of a commit, or by a ref; `recursive` with any value lists what is below, too.

    With `truncate_trees` the second half is missing and `truncated` says so.
    """
    home = exchange.repository
    name = exchange.text("tree_sha")
    commit_id = home.resolve(name)
    identity = home.git.tree_id(commit_id or name)
    if identity is None:
        raise not_found()
    entries = home.git.tree(identity, recursive="recursive" in exchange.query)
    if home.truncate_trees:
        entries = entries[: len(entries) // 2]
    api = f"{exchange.world.url}/repos/{home.full_name}/git"
    shown = {
        "sha": identity,
        "url": f"{api}/trees/{identity}",
        "tree": [_tree_entry(entry, api) for entry in entries],
        "truncated": home.truncate_trees,
    }
    return Answer(200, shown)


def _tree_entry(entry: TreeEntry, api: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
    if entry.size is not None:
        shown["size"] = entry.size
    if entry.type in {"blob", "tree"}:
        shown["url"] = f"{api}/{entry.type}s/{entry.sha}"
    return shown


def blob(exchange: Exchange) -> Answer:
    home = exchange.repository
    sha = exchange.text("file_sha")
    content = home.git.blob(sha)
    if content is None:
        raise not_found()
    if exchange.accepts("raw"):
        return Answer(200, content, media_type=RAW)
    shown = {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": len(content),
        "url": f"{exchange.world.url}/repos/{home.full_name}/git/blobs/{sha}",
        "content": _base64(content),
        "encoding": "base64",
    }
    return Answer(200, shown)


def _base64(content: bytes) -> str:
    """In lines, as GitHub writes it."""
    text = base64.b64encode(content).decode()
    return "".join(f"{text[at : at + LINE]}\n" for at in range(0, len(text), LINE))


def contents(exchange: Exchange) -> Answer:
    home = exchange.repository
    ref = exchange.query.get("ref", home.default_branch)
    sha = home.resolve(ref)
    path = exchange.recorded.parameters.get("path", "").strip("/")
    if sha is None:
        raise not_found()
    if not path:
        return _directory(exchange, sha, ref, "")
    entry = home.git.entry(sha, path)
    if entry is None:
        raise not_found()
    if entry.type == "tree":
        return _directory(exchange, sha, ref, path)
    if entry.type == "commit":
        shown = {**_content(exchange, entry, ref), "submodule_git_url": f"{exchange.world.url}/{path}.git"}
        return Answer(200, shown)
    content = home.git.blob(entry.sha)
    assert content is not None
    if exchange.accepts("raw"):
        return Answer(200, content, media_type=RAW)
    if entry.mode == "120000":
        return Answer(200, {**_content(exchange, entry, ref), "target": content.decode(errors="replace")})
    is_inline = len(content) <= MAX_INLINE
    shown = {
        **_content(exchange, entry, ref),
        "content": _base64(content) if is_inline else "",
        "encoding": "base64" if is_inline else "none",
    }
    return Answer(200, shown)


def _directory(exchange: Exchange, commit_id: str, ref: str, path: str) -> Answer:
    git = exchange.repository.git
    entry = git.entry(commit_id, path) if path else None
    identity = entry.sha if entry else git.tree_id(commit_id)
    assert identity is not None
    prefix = f"{path}/" if path else ""
    listed = [
        _content(exchange, TreeEntry(prefix + each.path, each.mode, each.type, each.sha, each.size), ref)
        for each in git.tree(identity, recursive=False)
    ]
    return Answer(200, listed)


def _content(exchange: Exchange, entry: TreeEntry, ref: str) -> dict[str, Any]:
    home = exchange.repository
    path = quote(entry.path)
    api = f"{exchange.world.url}/repos/{home.full_name}"
    page = f"{exchange.world.url}/{home.full_name}"
    url = f"{api}/contents/{path}?ref={quote(ref)}"
    kinds = {"tree": "dir", "commit": "submodule", "blob": "symlink" if entry.mode == "120000" else "file"}
    git_url = f"{api}/git/{'trees' if entry.type == 'tree' else 'blobs'}/{entry.sha}"
    html_url = f"{page}/{'tree' if entry.type == 'tree' else 'blob'}/{quote(ref)}/{path}"
    return {
        "type": kinds[entry.type],
        "size": entry.size or 0,
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"{page}/raw/{quote(ref)}/{path}" if entry.type == "blob" else None,
        "_links": {"self": url, "git": git_url, "html": html_url},
    }


def tarball(exchange: Exchange) -> Answer:
    """Leads to another host, which wants no Authorization. Ours: an unknown ref is 404 here already."""
    home = exchange.repository
    ref = exchange.recorded.parameters.get("ref", home.default_branch)
    if home.resolve(ref) is None:
        raise not_found()
    path = f"/{home.full_name}/legacy.tar.gz/{ref}"
    location = exchange.world.codeload_url + quote(path)
    if exchange.caller.app is not None:
        exchange.world.lead_to_archive(path, exchange.app.slug)
    if home.is_private:
        location += f"?token={exchange.world.archive_ticket(home.full_name)}"
    return Answer(302, headers={"location": location})


REPOSITORY = "/repos/{owner}/{repo}"
CONTENTS = read("contents")
ROUTES = (
    Route("GET", f"{REPOSITORY}/commits/{{ref}}", CONTENTS, commit),
    Route("GET", f"{REPOSITORY}/compare/{{basehead}}", CONTENTS, compare),
    Route("GET", f"{REPOSITORY}/git/trees/{{tree_sha}}", CONTENTS, tree),
    Route("GET", f"{REPOSITORY}/git/blobs/{{file_sha}}", CONTENTS, blob),
    Route("GET", f"{REPOSITORY}/contents/{{path}}", CONTENTS, contents),
    Route("GET", f"{REPOSITORY}/contents", CONTENTS, contents),
    Route("GET", f"{REPOSITORY}/contents/", CONTENTS, contents),
    Route("GET", f"{REPOSITORY}/tarball/{{ref}}", CONTENTS, tarball),
    Route("GET", f"{REPOSITORY}/tarball", CONTENTS, tarball),
)

"""What a commit holds, from the API, for a checkout that does not have it: files and changes. Synchronous.

The archive is GitHub's tarball, verified file by file against the commit's tree (`packing/tarball.py`). The
tarball and the patch are streamed by httpx; the token goes to the API, never to the host that it redirects
to. To be called in a thread, while `loop` runs in another.

Sources: https://docs.github.com/en/rest/repos/contents#download-a-repository-archive-tar,
https://docs.github.com/en/rest/git/trees and https://docs.github.com/en/rest/commits/commits#compare-two-commits
"""

import asyncio
import base64
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from automation.errors import Misconfigured
from automation.github.allowance import Allowance
from automation.github.answers import refusal, understood
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.packing.repository import MAX_CHANGES, Changes
from automation.packing.tarball import Entry, write_verified_archive, write_verified_tree
from automation.packing.tree import MAX_BYTES, TreeArchive
from automation.reasons import Reason

ANSWERS_WITHIN = 180.0
DOWNLOADED_WITHIN = 900.0
MAX_REDIRECTS = 3
TOO_LARGE = HTTPStatus.NOT_ACCEPTABLE
"""What GitHub says of changes that it will not make a patch of."""
DIFF = "application/vnd.github.diff"


@dataclass(frozen=True)
class Contents:
    """The commits of a repository on GitHub.

    Attributes:
        is_sparing: one request less for a commit that nobody has asked about: names that are not UTF-8 are then
            told by GitHub's replacement for them, and not by the tree's id.
    """

    github: GitHub
    loop: asyncio.AbstractEventLoop
    is_sparing: bool = False
    _trees: dict[str, str] = field(default_factory=dict)

    def write_tree_archive(self, sha: str, target: Path) -> TreeArchive:
        """Pack the tree of a commit, as `Repository.write_tree_archive` does.

        Raises:
            Misconfigured: too large, or (`archive-incomplete`) not what the commit's tree lists.
            GitHubUnavailable: it cannot be had.
        """
        tarball = self._tarball(sha, target.parent)
        tree, entries = self._tree(sha)
        return write_verified_archive(tarball, entries, target, target.parent, blob=self._blob, tree=tree)

    def write_directories(self, sha: str, below: Collection[str], destination: Path) -> None:
        """Put the files below some directories of a commit on the disk; the same errors."""
        tarball = self._tarball(sha, destination.parent)
        tree, entries = self._tree(sha)
        write_verified_tree(tarball, entries, destination, blob=self._blob, below=below, tree=tree)

    def write_changes(self, base: str, head: str, target: Path) -> Changes | None:
        """Write the patch base...head; None where GitHub finds it too large to make.

        Raises:
            GitHubUnavailable: it cannot be had.
        """
        path = f"/compare/{quote(base, safe='')}...{quote(head, safe='')}"
        try:
            size = self._download(path, target, MAX_CHANGES, accept=DIFF)
        except GitHubRefuses as error:
            if error.status == TOO_LARGE:
                return None
            raise
        return Changes(min(size, MAX_CHANGES), truncated=size > MAX_CHANGES)

    def commit(self, reference: str) -> str:
        """The SHA that a branch has now."""
        answer = self._get(f"/commits/{quote(reference, safe='')}")
        with understood("a commit"):
            sha = str(answer["sha"])
            self._trees[sha] = str(answer["commit"]["tree"]["sha"])
            return sha

    def _tree(self, sha: str) -> tuple[str, list[Entry]]:
        """The id of a commit's tree, which proves what is listed (empty where it is not known), and the list."""
        if sha not in self._trees and not self.is_sparing:
            self.commit(sha)
        tree = self._trees.get(sha, "")
        answer = self._get(f"/git/trees/{tree or sha}", recursive="1")
        with understood("a tree"):
            entries = [_entry(item) for item in answer["tree"] if item["type"] != "tree"]
            is_truncated = bool(answer.get("truncated"))
        if is_truncated:
            raise Misconfigured(
                f"the tree of {sha} is too large for GitHub to list: check the commit out "
                "(actions/checkout with `ref:` and `fetch-depth: 0`), or set `github.repository: none`",
                reason=Reason.ARCHIVE_INCOMPLETE,
            )
        return tree, entries

    def _blob(self, sha: str) -> bytes:
        answer = self._get(f"/git/blobs/{sha}")
        with understood("a blob"):
            return base64.b64decode(answer["content"])

    def _tarball(self, sha: str, directory: Path) -> Path:
        tarball = directory / f"{sha}.tarball"
        if tarball.exists():
            return tarball
        begun = tarball.with_suffix(".part")
        if self._download(f"/tarball/{sha}", begun, MAX_BYTES) > MAX_BYTES:
            raise Misconfigured(
                f"GitHub's archive of {sha} is larger than {MAX_BYTES} bytes, which is the most that is carried to a "
                "server: set `github.repository: none` and let the automation fetch what it needs"
            )
        return begun.rename(tarball)

    def _get(self, path: str, **parameters: Any) -> Any:
        return self._wait_for(self.github.get(path, **parameters), ANSWERS_WITHIN)

    def _wait_for[T](self, question: Coroutine[Any, Any, T], seconds: float) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(question, self.loop).result(seconds)
        except (TimeoutError, CancelledError):
            raise GitHubUnavailable(f"GitHub did not answer within {seconds:g} s") from None

    def _download(self, path: str, target: Path, limit: int, *, accept: str = "") -> int:
        """Write an answer's body to a file, at most `limit` bytes of it; returns how many there were at least."""
        once = partial(self._download_once, path, target, limit, accept)
        # The threads of others all wait for this one, and nobody waits for it at exit.
        return self._wait_for(self.github.bear(lambda: self.github.download(once)), DOWNLOADED_WITHIN)

    def _download_once(self, path: str, target: Path, limit: int, accept: str) -> int:
        url = f"{self.github.api_url}/repos/{self.github.repository}{path}"
        token = self._wait_for(self.github.token(), ANSWERS_WITHIN)
        headers = {"Authorization": f"Bearer {token}"} | ({"Accept": accept} if accept else {})
        size = 0
        with _answer(url, headers, self._hear) as response, target.open("wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk[: limit - size])
                size += len(chunk)
                if size > limit:
                    break
        return size

    def _hear(self, told: Allowance) -> None:
        self.loop.call_soon_threadsafe(self.github.gate.hear, told)


@contextmanager
def _answer(
    url: str, headers: Mapping[str, str], hear: Callable[[Allowance], None]
) -> Iterator[httpx.Response]:
    """The answer behind at most a few redirects; the token goes to the first origin only."""
    first = _origin(url)
    what = f"GET {urlsplit(url).path}"
    try:
        with _client() as http:
            for _ in range(MAX_REDIRECTS + 1):
                with http.stream("GET", url, headers=headers) as response:
                    if _origin(url) == first:
                        hear(Allowance.read(response.status_code, response.headers))
                    if not response.has_redirect_location:
                        _expect(response, what)
                        yield response
                        return
                    url = urljoin(url, response.headers["location"])
                if _origin(url) != first:
                    headers = {name: value for name, value in headers.items() if name != "Authorization"}
                if urlsplit(url).scheme not in {first[0], "https"}:
                    raise GitHubRefuses(f"GitHub redirects {what} away from {first[0]}")
    except httpx.HTTPError as error:
        raise GitHubUnavailable(f"GitHub did not answer {what} ({type(error).__name__})") from None
    except (httpx.InvalidURL, ValueError):
        raise GitHubUnavailable(f"GitHub redirects {what} to what is no address") from None
    raise GitHubRefuses(f"GitHub redirects {what} in circles")


def _client() -> httpx.Client:
    """By the proxies of the environment, as far as httpx can read them."""
    timeout = httpx.Timeout(30, connect=10)
    try:
        return httpx.Client(timeout=timeout, verify=_certificates())
    except (httpx.InvalidURL, ValueError):
        raise GitHubRefuses(
            "the variables that name proxies (HTTPS_PROXY, NO_PROXY, …) hold what is no address"
        ) from None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


@cache
def _certificates() -> Any:
    return httpx.create_ssl_context()


def _expect(response: httpx.Response, what: str) -> None:
    if not response.is_success:
        raise refusal(response.status_code, response.headers, "", what)


def _entry(item: Mapping[str, Any]) -> Entry:
    return Entry(
        path=str(item["path"]),
        mode=str(item["mode"]),
        sha=str(item["sha"]),
        size=int(item.get("size") or 0),
        type=str(item["type"]),
    )

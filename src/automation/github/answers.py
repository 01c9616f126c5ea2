"""GitHub's answers: refusals told apart (not now, for how long not, not at all), and what is none of its. Pure.

Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from automation.github.allowance import RATE_LIMITED, asked_wait, limit_wait
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.sentences import one_line

PERMISSIONS = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@contextmanager
def understood(what: str) -> Iterator[None]:
    """For the lines that read an answer: one that is not GitHub's is as good as none.

    Raises:
        GitHubUnavailable: in place of what reading it raised.
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise GitHubUnavailable(f"GitHub's answer to {what} is not of its form") from None


def is_success(status: int) -> bool:
    """Whether a status is one of success, be it one that has a name or not."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def refusal(status: int, headers: Mapping[str, str], said: str, what: str) -> GitHubUnavailable:
    """What an answer that is no success means.

    Args:
        headers: names in lower case.
        said: GitHub's own words, empty for none.
        what: was asked, such as `GET /repos/octo/demo`.
    """
    words = f"GitHub answered {what} with HTTP {status}" + (f" ({one_line(said, 200)})" if said else "")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return GitHubUnavailable(words, wait=asked_wait(headers))
    wait = limit_wait(headers, said)
    if status in RATE_LIMITED and wait is not None:
        return GitHubUnavailable(words, wait=wait)
    # GitHub names them in every answer; only here they may be what is missing.
    if status in PERMISSIONS and (needed := headers.get("x-accepted-github-permissions")):
        words += f"; needed are the permissions {one_line(needed, 200)}"
    return GitHubRefuses(words, status=status)

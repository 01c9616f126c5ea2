"""One call to GitHub's REST API through PyGithub, in whatever thread calls. Synchronous.

PyGithub's own patience is switched off: it would repeat a POST after a 5xx, which makes a second check run,
and sleep for as long as a rate limit lasts. What is worth another try is decided by `client`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, Self
from urllib.parse import parse_qs, urlsplit

import jwt
import requests

from automation import __version__
from automation.github.allowance import Allowance
from automation.github.answers import is_success, refusal
from automation.github.clock import GitHubClock
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.sentences import one_line
from github import Auth, Github

ISSUED_BEFORE = 60
EXPIRES_AFTER = 300
"""Seconds, within the ten minutes that GitHub allows.

Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""
TOLERANCE = 45
"""Seconds by which a clock may be off, a little less than what it is signed for before."""


@dataclass(frozen=True)
class AppKey:
    """A GitHub App's identity; signs as the App itself, not as an installation."""

    app_id: str
    private_key: str

    def __repr__(self) -> str:
        return f"AppKey({self.app_id})"


type Credentials = str | AppKey


class Requester(Protocol):
    """PyGithub's, as far as it is needed here."""

    def requestJson(  # noqa: N802
        self,
        method: str,
        path: str,
        /,
        *,
        parameters: dict[str, Any],
        input: Any,  # noqa: A002
    ) -> tuple[int, Mapping[str, Any], str]:
        """Status, headers (names in lower case) and body of the answer."""

    def close(self) -> None:
        """Give its connection back."""


class Transport:
    """A connection to one API with one set of credentials. One thread at a time.

    Args:
        requester: sends each request, with the credentials.
        is_app: they are an App's, which signs by the clock.
        clock: GitHub's, where others hear of it, too.
        hear: called in the same thread with what each answer says of limits.
    """

    def __init__(
        self,
        requester: Requester,
        *,
        is_app: bool,
        clock: GitHubClock | None = None,
        hear: Callable[[Allowance], None] | None = None,
    ) -> None:
        self.clock = clock or GitHubClock()
        self._requester = requester
        self._is_app = is_app
        self._hear = hear

    @classmethod
    def connect(
        cls,
        api_url: str,
        credentials: Credentials,
        timeout: int,
        clock: GitHubClock | None = None,
        hear: Callable[[Allowance], None] | None = None,
    ) -> Self:
        """By PyGithub; nothing is sent yet.

        Args:
            timeout: seconds for the connection and for each silence of the server.
        """
        clock = clock or GitHubClock()
        auth = (
            Auth.AppAuth(credentials.app_id, sign_func=_signing(credentials.private_key, clock))
            if isinstance(credentials, AppKey)
            else Auth.Token(credentials)
        )
        requester = Github(
            auth=auth,
            base_url=api_url,
            timeout=timeout,
            user_agent=f"automation-action/{__version__}",
            per_page=100,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        ).requester
        return cls(requester, is_app=isinstance(credentials, AppKey), clock=clock, hear=hear)

    def send(self, method: str, path: str, parameters: Mapping[str, Any], body: Any) -> Any:
        """The answer's JSON.

        Raises:
            GitHubRefuses: it says no.
            GitHubUnavailable: no answer, or none now.
        """
        return self._send(method, path, parameters, body)[0]

    def page(self, path: str, parameters: Mapping[str, Any]) -> tuple[Any, str]:
        """The JSON of a page, and the cursor of the next one; empty if it is the last. Raises as `send`.

        Source: https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        answer, headers = self._send("GET", path, parameters, None)
        links = requests.utils.parse_header_links(headers.get("link") or "")
        following = next((link["url"] for link in links if link.get("rel") == "next"), "")
        [cursor] = parse_qs(urlsplit(following).query).get("cursor", [""])[:1]
        return answer, cursor

    def _send(
        self, method: str, path: str, parameters: Mapping[str, Any], body: Any
    ) -> tuple[Any, Mapping[str, Any]]:
        before = self.clock.now()
        try:
            return self._send_once(method, path, parameters, body)
        except GitHubRefuses as error:
            # What was signed by a wrong clock did nothing; the refusal tells the right one.
            is_off = abs(self.clock.now() - before) > TOLERANCE
            if not (self._is_app and error.status == HTTPStatus.UNAUTHORIZED and is_off):
                raise
        return self._send_once(method, path, parameters, body)

    def _send_once(
        self, method: str, path: str, parameters: Mapping[str, Any], body: Any
    ) -> tuple[Any, Mapping[str, Any]]:
        what = f"{method} {path.split('?', maxsplit=1)[0]}"
        try:
            status, headers, text = self._requester.requestJson(
                method, path, parameters=dict(parameters), input=body
            )
        except (jwt.PyJWTError, TypeError):
            raise GitHubRefuses("`private-key` is no key that a GitHub App signs with") from None
        except (requests.RequestException, OSError) as error:
            raise GitHubUnavailable(f"GitHub did not answer {what} ({type(error).__name__})") from None
        except (RuntimeError, ValueError) as error:
            # A redirect to another host or protocol, a private key that cannot sign.
            raise GitHubRefuses(f"GitHub cannot be asked {what}: {one_line(str(error), 200)}") from None
        self.clock.hear(headers.get("date"))
        answer = _json(text)
        said = str(answer.get("message") or "") if isinstance(answer, dict) else ""
        if self._hear:
            self._hear(Allowance.read(status, headers, said))
        if not is_success(status):
            raise refusal(status, headers, said, what)
        if text and answer is None:
            raise GitHubUnavailable(f"GitHub's answer to {what} is not JSON")
        return answer, headers

    def close(self) -> None:
        self._requester.close()


def _signing(private_key: str, clock: GitHubClock) -> Callable[[dict[str, Any]], str]:
    """Signs an App's claims, in whose times GitHub's clock stands in place of this machine's."""

    def sign(claims: dict[str, Any]) -> str:
        now = int(clock.now())
        times = {"iat": now - ISSUED_BEFORE, "exp": now + EXPIRES_AFTER}
        return jwt.encode(claims | times, private_key, algorithm="RS256")

    return sign


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None

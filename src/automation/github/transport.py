"""One call to GitHub's REST API through PyGithub, in whatever thread calls. Synchronous.

PyGithub's own patience is switched off: it would repeat a POST after a 5xx, which makes a second check run,
and sleep for as long as a rate limit lasts. What is worth another try is decided by `client`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests

from automation import __version__
from automation.github.answers import SUCCESS, refusal
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.sentences import one_line
from github import Auth, Github


@dataclass(frozen=True)
class AppKey:
    """A GitHub App's identity; signs as the App itself, not as an installation."""

    app_id: str
    private_key: str

    def __repr__(self) -> str:
        return f"AppKey({self.app_id})"


type Credentials = str | AppKey


class Transport:
    """A connection to one API with one set of credentials. One thread at a time.

    Args:
        timeout: seconds for the connection and for each silence of the server.
    """

    def __init__(self, api_url: str, credentials: Credentials, timeout: int) -> None:
        auth = (
            Auth.AppAuth(credentials.app_id, credentials.private_key)
            if isinstance(credentials, AppKey)
            else Auth.Token(credentials)
        )
        self._requester = Github(
            auth=auth,
            base_url=api_url,
            timeout=timeout,
            user_agent=f"automation-action/{__version__}",
            per_page=100,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        ).requester

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
        answer = _json(text)
        if status not in SUCCESS:
            said = str(answer.get("message") or "") if isinstance(answer, dict) else ""
            raise refusal(status, headers, said, what)
        if text and answer is None:
            raise GitHubUnavailable(f"GitHub's answer to {what} is not JSON")
        return answer, headers

    def close(self) -> None:
        self._requester.close()


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None

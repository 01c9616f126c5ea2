"""The sandboxes API, as far as a run needs it: one request a method, and nothing is tried twice.

No connection is used again: one on which the server has failed is dead to the next request, too. Redirects are not
followed, the key would travel with them.

Measured on openhands-ai 1.11.0; what only the hosted Cloud does is from the OpenHands SDK and automation 1.25.0.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

import httpx
from pydantic import ValidationError

from automation.cloud.account import CloudAccount, CloudAuth
from automation.cloud.errors import CloudRefuses, CloudUnavailable, SandboxLimit
from automation.cloud.sandbox import Sandbox
from automation.errors import AutomationError
from automation.sentences import one_line

QUICK: Final = httpx.Timeout(20, connect=10)
MAKING: Final = httpx.Timeout(90, connect=10)
"""An app server with process sandboxes answers only when the sandbox runs, or after 31 s that it does not."""
DELETING: Final = httpx.Timeout(60, connect=10)
PAGES: Final = 50
LIMITED_FOR: Final = 10.0
"""Seconds to leave it alone where it says "too many requests" and not for how long. Source: automation 1.25.0."""
LONGEST_WAIT: Final = 300.0
_LIMITS: Final = {
    "CONCURRENCY_LIMIT_REACHED": "runs as many sandboxes at one time as it may (concurrency limit): "
    "wait until one has ended, or delete one",
    "DAILY_SANDBOX_LIMIT_REACHED": "has made as many sandboxes today as it may (daily limit): "
    "the count begins anew at midnight UTC",
}
_NONE_TO_READ: Final = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}
"""An app server without users, or one that keeps no secrets."""
_SANDBOXES: Final = "/api/v1/sandboxes"


class Cloud:
    """A client for one account; use as an async context manager.

    Attributes:
        ahead: seconds by which the server's clock is ahead of ours, as far as its answers tell.
    """

    def __init__(self, account: CloudAccount) -> None:
        self.account = account
        self.ahead = 0.0
        is_secure = account.url.startswith("https:")
        self._http = httpx.AsyncClient(
            base_url=account.url,
            headers=account.headers,
            timeout=QUICK,
            follow_redirects=False,
            # A proxy sees no more of https than an address; of http it would see the key.
            trust_env=is_secure,
            verify=is_secure,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def create(self) -> Sandbox:
        """Make a sandbox. Not repeatable: a second request makes a second one.

        Raises:
            CloudUnavailable: `is_lost` tells whether there may be one all the same.
            SandboxLimit: the account may not have another one.
            CloudRefuses: it says no.
        """
        params = {"sandbox_spec_id": self.account.spec} if self.account.spec else {}
        answer = await self._json("POST", _SANDBOXES, params=params, timeout=MAKING)
        return self._sandbox(answer)

    async def get(self, sandbox_id: str) -> Sandbox | None:
        """The sandbox, None if there is none of this id (any more)."""
        answer = await self._json("GET", _SANDBOXES, params={"id": sandbox_id})
        if not isinstance(answer, list):
            raise self._no_cloud("its list of sandboxes is none")
        found = [self._sandbox(each) for each in answer if each is not None]
        return next((each for each in found if each.id == sandbox_id and not each.is_gone), None)

    async def search(self) -> list[Sandbox]:
        """All sandboxes of the account, without such as are of no form that is known."""
        found: list[Sandbox] = []
        page_id: str | None = None
        for _ in range(PAGES):
            more = {"page_id": page_id} if page_id else {}
            page = await self._json("GET", f"{_SANDBOXES}/search", params={"limit": "100"} | more)
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise self._no_cloud("its search answers without items")
            for each in page["items"]:
                with suppress(ValidationError):
                    found.append(Sandbox.model_validate(each))
            page_id = page.get("next_page_id")
            if not page_id:
                break
        return found

    async def resume(self, sandbox_id: str) -> bool:
        """Let a paused sandbox go on; False if there is none of this id."""
        return await self._done("POST", f"{_SANDBOXES}/{sandbox_id}/resume", timeout=DELETING)

    async def delete(self, sandbox_id: str) -> bool:
        """Delete a sandbox; False if there was none of this id (any more). Repeatable."""
        # The server decides by the query, and its hosted sibling may by the path: both say the same.
        params = {"sandbox_id": sandbox_id}
        return await self._done("DELETE", f"{_SANDBOXES}/{sandbox_id}", params=params, timeout=DELETING)

    async def specs(self) -> list[str]:
        """The kinds of sandboxes that there are."""
        page = await self._json("GET", "/api/v1/sandbox-specs/search")
        items = page.get("items") if isinstance(page, dict) else None
        return [str(each.get("id")) for each in items or () if isinstance(each, dict)]

    async def secrets_for(self, sandbox: Sandbox) -> int:
        """How many of the account's secrets and git tokens whatever runs in the sandbox can read.

        Raises:
            CloudUnavailable, CloudRefuses: the API does not say.

        Source: `settings/secrets` of openhands-ai 1.11.0, which wants the sandbox's own key and nothing else.
        """
        if not sandbox.session_api_key:
            return 0
        request = self._http.build_request("GET", f"{_SANDBOXES}/{sandbox.id}/settings/secrets")
        request.headers.pop("Authorization", None)
        request.headers["X-Session-API-Key"] = sandbox.session_api_key
        response = await self._send(request)
        if response.status_code in _NONE_TO_READ:
            return 0
        self._expect(response)
        document = _document(response)
        if not isinstance(document.get("secrets"), list):
            raise self._no_cloud("its list of secrets is none")
        return len(document["secrets"])

    async def _done(self, method: str, path: str, **options: Any) -> bool:
        response = await self._send(self._http.build_request(method, path, **options))
        if response.status_code == httpx.codes.NOT_FOUND:
            return False
        self._expect(response)
        return True

    async def _json(self, method: str, path: str, **options: Any) -> Any:
        response = await self._send(self._http.build_request(method, path, **options))
        self._expect(response)
        try:
            return response.json()
        except (ValueError, RecursionError):
            # A page for people is not the beginning of an answer.
            is_lost = method == "POST" and not response.text.lstrip().startswith("<")
            raise self._no_cloud(f"{path} does not answer in JSON", is_lost=is_lost) from None

    async def _send(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        try:
            response = await self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise CloudUnavailable(self._trouble(f"{path}: {_words(error)}")) from error
        except httpx.HTTPError as error:
            raise CloudUnavailable(self._trouble(f"{path}: {_words(error)}"), is_lost=True) from error
        except (httpx.InvalidURL, UnicodeError):
            raise self._no_cloud("no request can be made to that address") from None
        with suppress(ValueError, TypeError):
            self.ahead = parsedate_to_datetime(response.headers.get("Date", "")).timestamp() - time.time()
        return response

    def _expect(self, response: httpx.Response) -> None:
        """Raise unless the answer is a success."""
        if response.is_success:
            return
        path = response.request.url.path
        match response.status_code:
            case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
                raise CloudRefuses(self._refused())
            case httpx.codes.TOO_MANY_REQUESTS:
                raise self._limited(response)
            case code if code == httpx.codes.REQUEST_TIMEOUT or (
                code >= httpx.codes.INTERNAL_SERVER_ERROR and code != httpx.codes.NOT_IMPLEMENTED
            ):
                said = f"{path}: HTTP {code} {_detail(response)}"
                raise CloudUnavailable(self._trouble(said), wait=_retry_after(response), is_lost=True)
            case code:
                raise self._no_cloud(f"{path} answered HTTP {code} {_detail(response)}")

    def _refused(self) -> str:
        given = "the key it was given" if self.account.key else "a call without a key"
        other = {
            CloudAuth.BEARER: "an app server that is started with SESSION_API_KEY wants AUTOMATION_CLOUD_AUTH=session-key",
            CloudAuth.SESSION_KEY: "OpenHands Cloud wants AUTOMATION_CLOUD_AUTH=bearer",
        }[self.account.auth]
        return f"the Cloud API at {self.account.url} refuses {given}: check OPENHANDS_API_KEY ({other})"

    def _limited(self, response: httpx.Response) -> AutomationError:
        document = _document(response)
        detail = document.get("detail")
        told = detail if isinstance(detail, dict) else document
        if limit := _LIMITS.get(str(told.get("error"))):
            return SandboxLimit(f"the account at {self.account.url} {limit}")
        wait = _retry_after(response)
        return CloudUnavailable(
            self._trouble("too many requests"), wait=LIMITED_FOR if wait is None else wait
        )

    def _sandbox(self, answer: object) -> Sandbox:
        try:
            return Sandbox.model_validate(answer)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "everything"
            raise self._no_cloud(f"a sandbox in its answer is none ({where})") from None

    def _trouble(self, what: str) -> str:
        return self._without_key(
            f"the Cloud API at {self.account.url} does not answer as it should ({what.strip()})"
        )

    def _no_cloud(self, why: str, *, is_lost: bool = False) -> AutomationError:
        sentence = self._without_key(
            f"{self.account.url} does not behave like OpenHands' Cloud API: {why.strip()}; "
            "check AUTOMATION_CLOUD_API_URL"
        )
        return CloudRefuses(sentence, is_lost=is_lost)

    def _without_key(self, words: str) -> str:
        return words.replace(self.account.key, "***") if self.account.key else words


def now_at(cloud: Cloud) -> datetime:
    """What the server's clock shows now."""
    return datetime.fromtimestamp(time.time() + cloud.ahead, UTC)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, None where the answer does not say, or not so that it can be read."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None  # noqa: PLR0124  # not a number


def _document(response: httpx.Response) -> Mapping[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _detail(response: httpx.Response) -> str:
    """The server's own words, shortened: an HTML error page helps nobody."""
    detail = _document(response).get("detail")
    if isinstance(detail, dict):
        detail = detail.get("message") or detail.get("error")
    return one_line(str(detail), 200) if isinstance(detail, str) else ""


def _words(error: httpx.HTTPError) -> str:
    name = type(error).__name__
    return f"{name}: {one_line(str(error), 200)}" if str(error) else name

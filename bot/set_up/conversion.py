"""From the code that GitHub's redirect carries to the App's credentials. A code is good once and for an hour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx

from automation import __version__
from automation.errors import Misconfigured
from automation.github.answers import refusal
from automation.github.errors import GitHubUnavailable
from bot.set_up.github_address import app_settings_url

TIMEOUT: Final = httpx.Timeout(20, connect=5)


@dataclass(frozen=True)
class NewApp:
    """An App that has just been made.

    Attributes:
        url: its public page; settings_url: the page where its owner changes it.
    """

    app_id: int
    slug: str
    url: str
    settings_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)

    @property
    def install_url(self) -> str:
        return f"{self.url}/installations/new"

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Self:
        """From GitHub's answer.

        Raises:
            Misconfigured: it lacks what a bot needs.
        """
        try:
            app = cls(
                app_id=int(answer["id"]),
                slug=str(answer["slug"]),
                url=str(answer["html_url"]),
                settings_url=app_settings_url(str(answer["html_url"]), answer["owner"], str(answer["slug"])),
                private_key=str(answer["pem"] or ""),
                webhook_secret=str(answer["webhook_secret"] or ""),
            )
        except (KeyError, TypeError, AttributeError, ValueError):
            raise GitHubUnavailable("GitHub's answer to the conversion is not of its form") from None
        if not app.private_key or not app.webhook_secret:
            raise Misconfigured(
                f"GitHub made the App {app.slug} without a private key or a webhook secret; delete it at {app.settings_url} "
                "and start again, or set both on its page and give them to the bot by hand"
            )
        return app


async def convert(api_url: str, code: str) -> NewApp:
    """The App that belongs to the code; asked for once, because the code is used up by it.

    Raises:
        GitHubUnavailable: no answer; the App may be there, without anybody knowing its key.
        GitHubRefuses: the code is wrong, used or too old.

    Source: https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    path = f"/app-manifests/{code}/conversions"
    headers = {
        "Accept": "application/vnd.github+json",
        "User-Agent": f"automation-action/{__version__}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, headers=headers) as http:
            response = await http.post(f"{api_url}{path}")
            answer = response.json() if response.is_success else None
    except httpx.HTTPError as error:
        raise GitHubUnavailable(f"GitHub did not answer the conversion ({type(error).__name__})") from None
    except ValueError:
        raise GitHubUnavailable("GitHub's answer to the conversion is not JSON") from None
    if answer is None:
        raise refusal(
            response.status_code, response.headers, _said(response), "the conversion of the manifest"
        )
    if not isinstance(answer, dict):
        raise GitHubUnavailable("GitHub's answer to the conversion is not of its form")
    return NewApp.read(answer)


def _said(response: httpx.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return ""
    return str(answer.get("message") or "") if isinstance(answer, dict) else ""

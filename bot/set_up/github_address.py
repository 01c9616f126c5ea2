"""Where a GitHub is: its API, and its page that makes Apps. Pure.

Sources: https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
and https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/network-details-for-ghecom
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bot.settings import GITHUB_DOT_COM

DOT_COM = "https://github.com"


def api_url_of(github_url: str) -> str:
    """The API of the GitHub that people see at this address: github.com, a tenant on ghe.com, or a server of one's own."""
    parts = urlsplit(github_url)
    if github_url == DOT_COM:
        return GITHUB_DOT_COM
    if (parts.hostname or "").endswith(".ghe.com"):
        return f"{parts.scheme}://api.{parts.netloc}"
    return f"{github_url}/api/v3"


def new_app_url(github_url: str, organization: str, state: str) -> str:
    """Where the form with the manifest goes; an App without an organisation belongs to the person."""
    owner = f"/organizations/{quote(organization, safe='')}" if organization else ""
    return f"{github_url}{owner}/settings/apps/new?{urlencode({'state': state})}"


def app_settings_url(html_url: str, owner: Mapping[str, Any], slug: str) -> str:
    """The page where an App's owner changes it.

    Args:
        html_url: the App's public page, as the API gives it; owner: likewise.

    Returns:
        the public page if its address cannot be read.
    """
    try:
        parts = urlsplit(html_url)
    except ValueError:
        return html_url
    login = quote(str(owner.get("login") or ""), safe="")
    of = f"/organizations/{login}" if owner.get("type") == "Organization" else ""
    return f"{parts.scheme}://{parts.netloc}{of}/settings/apps/{quote(slug, safe='')}"

"""A tarball that lies elsewhere, fetched over https within OpenHands' limits."""

import io
from urllib.parse import urlsplit

import httpx

from automation.errors import Misconfigured

# OpenHands' limits for a tarball that lies elsewhere (openhands-automation 1.25.0).
EXTERNAL_LIMIT = 100 * 1024 * 1024
EXTERNAL_TIMEOUT = 120.0


async def fetch_tarball(url: str) -> bytes:
    """A tarball from an https URL.

    Raises:
        Misconfigured: not https, not there, too large or too slow; the URL's query is not shown.
    """
    try:
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
    except ValueError:
        raise Misconfigured("the tarball URL cannot be read") from None
    if parts.scheme != "https" or "@" in parts.netloc:
        raise Misconfigured(f"the tarball URL {shown} is not https, or carries credentials")

    async def only_https(request: httpx.Request) -> None:
        if request.url.scheme != "https":
            raise Misconfigured(f"the tarball at {shown} redirects to an address that is not https")

    data = io.BytesIO()
    try:
        async with (
            httpx.AsyncClient(
                follow_redirects=True, timeout=EXTERNAL_TIMEOUT, event_hooks={"request": [only_https]}
            ) as client,
            client.stream("GET", url) as response,
        ):
            if not response.is_success:
                raise Misconfigured(f"the tarball at {shown} cannot be read: HTTP {response.status_code}")
            async for chunk in response.aiter_bytes():
                data.write(chunk)
                if data.tell() > EXTERNAL_LIMIT:
                    raise Misconfigured(f"the tarball at {shown} is larger than 100 MiB")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise Misconfigured(f"the tarball at {shown} cannot be read: {type(error).__name__}") from None
    return data.getvalue()

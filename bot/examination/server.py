"""Whether the agent-servers are healthy and take our key, and whether the bot is reached at its public address."""

from typing import Final

import httpx

from automation.agent_server import AgentServer
from automation.cloud import Cloud, CloudAccount
from automation.connection import connect_to
from automation.errors import AutomationError
from automation.sentences import one_line
from bot.examination.finding import Finding, failed, fine, note, wrong
from bot.settings import BotSettings

TIMEOUT: Final = httpx.Timeout(10, connect=5)
TOOLS: Final = "for tool in bash tar git; do command -v $tool >/dev/null || printf '%s ' $tool; done"


async def agent_server_finding(about: str, url: str, key: str) -> Finding:
    """One agent-server: it answers, is ready, takes the key, and its machine has what runs need."""
    try:
        async with AgentServer(connect_to(url, key)) as server:
            info = await server.info()
            is_ready = await server.is_ready()
            missing = (await server.execute(TOOLS, timeout=10)).stdout.split()
    except AutomationError as error:
        return failed(about, error)
    version = one_line(str(info.get("version", "unknown")), 50)
    if not is_ready:
        return wrong(about, f"{url} (version {version}) is still starting", "check again in a minute")
    if missing:
        return wrong(
            about, f"the machine of {url} has no {' and no '.join(missing)}", "install what is missing there"
        )
    if not key:
        return note(about, f"{url} (version {version}) is healthy, and asks nobody for a key")
    return fine(about, f"{url} (version {version}) is healthy and takes the key")


async def cloud_finding(account: CloudAccount) -> Finding:
    """The Cloud in whose sandboxes runs take place: it answers, and takes the key."""
    try:
        async with Cloud(account) as cloud:
            count = len(await cloud.search())
    except AutomationError as error:
        return failed("Cloud", error)
    return fine("Cloud", f"{account.url} answers and takes the key; it has {count} sandboxes")


async def fork_server_finding(settings: BotSettings) -> Finding:
    """The server that is set aside for the code of forks."""
    core = settings.core
    if not core.fork_agent_server_url:
        return note(
            "fork server",
            "there is none: code of forks is not run",
            "set BOT_FORK_AGENT_SERVER_URL if it is to be",
        )
    return await agent_server_finding(
        "fork server", core.fork_agent_server_url, core.fork_agent_server_api_key
    )


async def public_url_finding(public_url: str) -> Finding:
    """Whether the bot answers where GitHub is told that it does; seen from here, which may not be seen from there."""
    url = f"{public_url}/healthz"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False) as http:
            response = await http.get(url)
    except httpx.HTTPError as error:
        return wrong(
            "public URL",
            f"{url} does not answer from here ({type(error).__name__})",
            "start the bot, and see that the proxy in front of it and the name lead to it",
        )
    if response.status_code == httpx.codes.OK:
        return fine("public URL", f"{url} answers")
    return wrong(
        "public URL",
        f"{url} answers HTTP {response.status_code}",
        "something else is there, or the bot behind it is down",
    )

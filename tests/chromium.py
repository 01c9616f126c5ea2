"""A headless Chromium, driven over its DevTools protocol.

Everything that a page loads, runs or refuses is real. The browser has a profile of its own, no proxy and no network
to speak of: tests show it pages on loopback.

Source: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
HOW_TO_GET_IT = "needs Chromium: `apt-get install --no-install-recommends chromium fonts-dejavu-core`"
READY_WITHIN = 60
ANSWERS_WITHIN = 30
SHOWS_WITHIN = 15
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root, in a container
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def program() -> str | None:
    """Where Chromium is; `CHROMIUM` in the environment goes before what is on the path."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


class ScriptFailed(AssertionError):
    """JavaScript of the test's own raised an error."""


@dataclass
class Tab:
    """A page of the browser.

    Attributes:
        complaints: what the browser found wrong: errors in scripts, what the page's policy refused.
        requests: addresses that the page asked for.
    """

    _call: Callable[..., Any]
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._call(method, parameters)
        return answer

    async def open(self, url: str) -> None:
        answer = await self.call("Page.navigate", url=url)
        assert not answer.get("errorText"), f"{url}: {answer['errorText']}"
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited where it is a promise."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ScriptFailed(json.dumps(answer["exceptionDetails"].get("exception", {}))[:2000])
        return answer["result"].get("value")

    async def until(self, condition: str, within: float = SHOWS_WITHIN) -> None:
        """Wait until a JavaScript expression is true."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not await self.evaluate(f"Boolean({condition})"):
                    await asyncio.sleep(0.02)
                return
        shown = await self.evaluate("document.body.innerText")
        raise AssertionError(f"the page did not come to {condition!r}; it shows:\n{shown}\n{self.complaints}")

    async def text(self, selector: str) -> str:
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    async def prefer(self, scheme: str) -> None:
        """`light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def without_scripts(self) -> None:
        await self.call("Emulation.setScriptExecutionDisabled", value=True)

    async def screenshot(self, path: Path) -> None:
        answer = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def heard(self, method: str, parameters: dict[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"])[:1000])
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.complaints.append(parameters["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])


class Chromium:
    """A browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, Tab] = {}

    @contextlib.asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """A tab that shares nothing with others; closed at the end."""
        context = (await self._call("Target.createBrowserContext", {}))["browserContextId"]
        target = (
            await self._call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        )["targetId"]
        session = (await self._call("Target.attachToTarget", {"targetId": target, "flatten": True}))[
            "sessionId"
        ]
        tab = Tab(lambda method, parameters: self._call(method, parameters, session))
        self._tabs[session] = tab
        try:
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.call(f"{domain}.enable")
            await tab.resize(1280, 900)
            yield tab
        finally:
            await self._call("Target.disposeBrowserContext", {"browserContextId": context})

    async def listen(self) -> None:
        async for message in self._socket:
            said = json.loads(message)
            if "id" in said:
                self._answered(said)
            elif said.get("sessionId") in self._tabs:
                self._tabs[said["sessionId"]].heard(said["method"], said["params"])

    def _answered(self, said: dict[str, Any]) -> None:
        waiting = self._answers.pop(said["id"])
        if waiting.done():
            return
        if "error" in said:
            waiting.set_exception(AssertionError(f"Chromium refuses: {said['error']}"))
        else:
            waiting.set_result(said["result"])

    async def _call(self, method: str, parameters: dict[str, Any], session: str = "") -> dict[str, Any]:
        number = next(self._numbers)
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = waiting
        order = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(order | ({"sessionId": session} if session else {})))
        async with asyncio.timeout(ANSWERS_WITHIN):
            return await waiting


@contextlib.asynccontextmanager
async def chromium(home: Path) -> AsyncIterator[Chromium]:
    """A browser that keeps everything below `home` and is ended with all of its processes."""
    found = program()
    assert found, HOW_TO_GET_IT
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with (home / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            found,
            *FLAGS,
            f"--user-data-dir={home / 'profile'}",
            "about:blank",
            env=environment | {"HOME": str(home)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = await _address(home, process)
        async with connect(address, max_size=None, proxy=None, open_timeout=READY_WITHIN) as socket:
            browser = Chromium(socket)
            listening = asyncio.create_task(browser.listen())
            try:
                yield browser
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(home: Path, process: asyncio.subprocess.Process) -> str:
    port = home / "profile" / "DevToolsActivePort"
    try:
        async with asyncio.timeout(READY_WITHIN):
            while process.returncode is None:
                if port.exists() and len(lines := port.read_text().splitlines()) > 1:
                    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    raise AssertionError(f"Chromium did not start: {(home / 'chromium.log').read_text()[-2000:]}")

"""Trouble around a bot is told, and deliveries go on being taken."""

import httpx

from tests.bot.runs.place import NOWHERE
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually


async def said(demo: Demo) -> tuple[int, set[str]]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        answer = await http.get(f"{demo.bot.url}/readyz")
    return answer.status_code, {each["cause"] for each in answer.json()["causes"]}


async def test_with_github_and_the_server_away_deliveries_are_taken_and_what_they_ask_for_waits(
    begin: Begin,
) -> None:
    demo = await begin(BOT_DELIVERIES_SECONDS="1", AUTOMATION_AGENT_SERVER_URL=NOWHERE)

    async def says(*causes: str) -> bool:
        return await said(demo) == (200, set(causes))

    await eventually(lambda: says("agent-server-unreachable"), 20)
    refused = demo.github.fault("GET", "/app/hook/deliveries$", status=401, times=None)
    await eventually(lambda: says("agent-server-unreachable", "github-refuses"), 20)
    refused.times = 0
    await eventually(lambda: says("agent-server-unreachable"), 20)
    demo.github.fault("*", "", status=502, times=None)
    await eventually(lambda: says("agent-server-unreachable", "github-unreachable"), 20)
    demo.pull()
    demo.comment("/run-automation hello")
    await eventually(lambda: any(each.status_code == 202 for each in demo.app.deliveries))
    assert "the agent-server does not answer: " in demo.bot.log

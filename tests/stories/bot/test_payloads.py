"""What arrives at the webhook of a real bot: everything of GitHub's, and what is not GitHub's."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.bot_process import OPERATOR, SECRET
from tests.fakes.webhook_examples import examples
from tests.stories.bot.conftest import Demo
from tests.teller import eventually
from tests.workflow import git

THEIRS = "Codertocat/Hello-World"
COMMAND = "/run-automation hello"
MEBIBYTE = 1024 * 1024


def ask(demo: Demo, question: str) -> list[Any]:
    """The rows that the bot's database has for it."""
    with closing(sqlite3.connect(demo.directory / "bot" / "bot.sqlite3")) as database:
        return database.execute(question).fetchall()


def signed(body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": "ping",
        "x-github-delivery": str(uuid4()),
        "x-hub-signature-256": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}",
    }


def commanding(value: Any) -> Any:
    """The payload with a command wherever somebody may have written one."""
    if isinstance(value, dict):
        return {
            key: COMMAND if key == "body" and isinstance(inner, str) else commanding(inner)
            for key, inner in value.items()
        }
    return [commanding(inner) for inner in value] if isinstance(value, list) else value


async def metrics(demo: Demo) -> str:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{demo.bot.url}/metrics", headers={"Authorization": f"Bearer {OPERATOR}"})
    return answer.text


@pytest.mark.timeout(240)
async def test_githubs_examples_start_nothing_by_accident(demo: Demo) -> None:
    theirs = demo.github.repository(THEIRS, git=demo.checkout.path)
    theirs.collaborator("Codertocat", "admin")
    git(demo.checkout.path, "branch", "master")
    installation = demo.app.install(THEIRS)
    for number in (1, 2):
        theirs.pull(number, head=demo.branch(f"changes-{number}"), author="Codertocat")
    payloads = examples(installation=installation)
    assert len(payloads) > 300
    for event, payload in payloads:
        if "installation" in payload:
            payload["installation"]["id"] = installation
        demo.app.post(event, payload)
        if (asking := commanding(payload)) != payload:
            demo.app.post(event, asking)
    demo.github.settle(90)
    wrong = [str(each) for each in demo.app.deliveries if each.status_code != httpx.codes.ACCEPTED]
    assert wrong == []
    await eventually(lambda: ask(demo, "select 1 from requests where state = 'pending'") == [], 90)
    assert ask(demo, "select * from runs") == []
    assert theirs.checks() == []
    assert demo.repository.checks() == []
    assert theirs.comments == {}
    assert "automation_bot_defects_total{" not in await metrics(demo)
    assert "Traceback" not in demo.bot.log
    pull = demo.pull()
    demo.comment(COMMAND)
    (await demo.concluded(pull.head)).is_("success")


async def test_what_is_not_githubs_is_refused_and_forgotten(demo: Demo) -> None:
    body = json.dumps({"zen": "Keep it logically awesome."}).encode()
    good = signed(body)
    signature = good["x-hub-signature-256"]
    sha1 = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    another = "sha256=" + hmac.new(b"another secret", body, hashlib.sha256).hexdigest()

    async def too_much() -> AsyncIterator[bytes]:
        for _count in range(26):
            yield b" " * MEBIBYTE

    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:

        async def post(content: Any = body, **changes: str | None) -> httpx.Response:
            headers = good | {name.replace("_", "-"): value for name, value in changes.items()}
            given = {name: value for name, value in headers.items() if value is not None}
            return await http.post(demo.bot.webhook, content=content, headers=given)

        for wrong in (None, "", sha1, another, signature[:-1], signature.removeprefix("sha256=")):
            answer = await post(x_hub_signature_256=wrong)
            assert answer.status_code == 401, wrong
            assert "BOT_WEBHOOK_SECRET" in answer.text
            assert SECRET not in answer.text
        assert (await post(body + b" ")).status_code == 401
        assert (await post(too_much())).status_code == 413
        assert (await post(content_type="application/x-www-form-urlencoded")).status_code == 415
        assert (await post(x_github_delivery="1")).status_code == 400
        assert (await post(x_github_event=None)).status_code == 400
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            assert (await http.request(method, demo.bot.webhook)).status_code == 405
        assert ask(demo, "select * from deliveries") == []
        answers = [await post(), await post()]
    assert [(each.status_code, each.text) for each in answers] == [(202, "stored"), (202, "known already")]
    assert ask(demo, "select guid from deliveries") == [(good["x-github-delivery"],)]
    pull = demo.pull()
    demo.comment(COMMAND)
    (await demo.concluded(pull.head)).is_("success")

"""What the OpenHands SDK says to the bot from inside a run: it can make a verdict worse, and nothing else.

`RemoteWorkspace` and `LocalWorkspace` are the SDK's own; what `OpenHandsCloudWorkspace` posts is posted by hand.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.stories.bot.conftest import Demo
from tests.teller import eventually

SDK = f"""
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
{{key}}
exec {sys.executable} - <<'END'
import sys
from openhands.sdk.workspace import LocalWorkspace
try:
    with LocalWorkspace(working_dir="."):
        {{body}}
except ValueError:
    print("it went wrong, and nobody minds")
sys.exit({{code}})
END
"""
CLOUD = """
curl -s --noproxy '*' -o answer -w '%{{http_code}}' -H 'Authorization: Bearer a-cloud-key' \
  -H 'Content-Type: application/json' -d '{document}' "$AUTOMATION_CALLBACK_URL" > status
echo "answered $(cat status): $(cat answer)"
exit {code}
"""
WAITS = 'echo "$AUTOMATION_CALLBACK_URL" > {file}; echo started; while [ ! -e {go} ]; do sleep 0.1; done'


def sdk(body: str, code: int, key: str = "") -> str:
    return SDK.format(body=body, code=code, key=key)


def cloud(document: dict[str, Any], code: int) -> str:
    return CLOUD.format(document=json.dumps(document), code=code)


async def test_what_the_sdk_reports_makes_a_verdict_worse_and_never_better(demo: Demo) -> None:
    key = "export AUTOMATION_CALLBACK_API_KEY=a-key-that-means-nothing-here"
    automations = {
        "failed": sdk("raise ValueError('the agent gave up')", 0),
        "failed-with-key": sdk("raise ValueError('the agent gave up')", 0, key),
        "completed": sdk("pass", 3),
        "good": sdk("pass", 0),
        "cloud-failed": cloud({"status": "FAILED", "run_id": "x", "error": "the agent\ngave up"}, 0),
        "cloud-completed": cloud({"status": "COMPLETED", "cost": None, "new": {"key": 1}}, 3),
    }
    for slug, main in automations.items():
        demo.automation(main, slug)
    pull = demo.pull()
    for slug in automations:
        demo.comment(f"/run-automation {slug}")
    for slug in ("failed", "failed-with-key", "cloud-failed"):
        check = await demo.concluded(pull.head, slug, 60)
        check.is_("failure")
        assert "reported that it had failed" in (check.summary or ""), check.summary
        assert "the agent gave up" in (check.summary or "")
    for slug in ("completed", "cloud-completed"):
        check = await demo.concluded(pull.head, slug, 60)
        check.is_("failure")
        assert "exit code 3" in (check.summary or "")
    (await demo.concluded(pull.head, "good", 60)).is_("success")
    for slug in ("cloud-failed", "cloud-completed"):
        assert "answered 200" in (demo.check(pull.head, slug).text or "")


@pytest.fixture
def outside() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as http:
        yield http


async def test_only_the_runs_own_token_reports_and_only_while_it_runs(
    demo: Demo, outside: httpx.Client, tmp_path: Path
) -> None:
    file, go = tmp_path / "callback", tmp_path / "go"
    demo.automation(WAITS.format(file=file, go=go), "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    run_id = await demo.running()
    url = file.read_text().strip()
    token = parse_qs(urlsplit(url).query)["t"][0]
    good = {"status": "COMPLETED"}
    for wrong in ("", token[:-1], token.upper(), token + "0", "\N{SNOWMAN}"):
        assert outside.post(url.replace(token, wrong), json=good).status_code == 404
    assert outside.post(url.replace(run_id, str(uuid4())), json=good).status_code == 404
    assert outside.post(url.replace(run_id, "x"), json=good).status_code == 404
    assert outside.get(url).status_code == 405
    wrong_documents: list[Any] = [{}, [], {"status": "RUNNING"}, {"status": "x" * 70_000}]
    for document in wrong_documents:
        assert outside.post(url, json=document).status_code == 422
    assert outside.post(url, content=b"[" * 60_000).status_code == 422
    for _again in range(2):
        answer = outside.post(url, json=good)
        assert (answer.status_code, answer.json()) == (200, {"id": run_id, "status": "RUNNING"})
    assert not demo.check(pull.head, "review").is_completed
    go.touch()
    (await demo.concluded(pull.head, "review")).is_("success")
    await eventually(lambda: demo.runs() == [])
    answer = outside.post(url, json={"status": "FAILED", "error": "too late"})
    assert answer.status_code == 409
    assert answer.json()["detail"].endswith("expected running")
    demo.check(pull.head, "review").is_("success")
    assert token not in demo.bot.log

"""What must not be told is told nowhere; what an automation prints stays print."""

import asyncio
import json
import re

from tests.stories.action.conftest import PERMISSIONS, Demo

SECRET = "s3cr3t-Value/With+Odd=Chars"
UNLISTED = "unlisted-secret-0815"

TELLS = """
printf '%s\\n' "$API_KEY" "error: $API_KEY" >&2
printf '%s' "$API_KEY" | base64
python3 - <<'END'
import json, os, urllib.parse
secret = os.environ["API_KEY"]
json.dump({
  "title": f"title {secret}", "summary": f"summary {secret}",
  "annotations": [{"path": f"a-{secret}.py", "start_line": 1, "message": secret, "title": secret, "raw_details": secret}],
  "outputs": {secret: urllib.parse.quote(secret, safe="")},
}, open(os.environ["AUTOMATION_RESULT"], "w"))
open(os.environ["AUTOMATION_SUMMARY"], "w").write(f"## {secret}")
END
exit 3
"""


async def test_a_planted_secret_is_in_no_request_annotation_summary_or_output(demo: Demo) -> None:
    sha = demo.automation(TELLS, name="review", github={"secrets": ["API_KEY"]})
    ended = await demo.job(sha).run(
        "review", secrets=json.dumps({"API_KEY": SECRET, "OTHER": UNLISTED}), inputs="", env="{NOTE: hello}"
    )
    assert ended.verdict == ("failure", "exit-code")
    sent = b"".join(each.body for each in demo.github.requests)
    # The runner takes the masks in and shows none of them.
    log = "\n".join(line for line in ended.log.splitlines() if not line.startswith("::add-mask::"))
    for text in (sent.decode(), ended.summary, json.dumps(ended.outputs), log):
        for secret in (SECRET, "s3cr3t-Value%2FWith%2BOdd%3DChars", "czNjcjN0LVZhbHVlL1dpdGgrT2Rk", UNLISTED):
            assert secret not in text
        assert demo.server.key not in text
    assert demo.check(sha).annotations[0]["message"] == "***"
    assert f"::add-mask::{SECRET}" in ended.log
    assert demo.job(sha).token not in sent.decode()


async def test_the_state_that_is_left_holds_no_key(demo: Demo) -> None:
    sha = demo.automation("echo started; sleep 1; echo $API_KEY", github={"secrets": ["API_KEY"]})
    job = demo.job(sha)
    step = job.start(automation="review", secrets=json.dumps({"API_KEY": SECRET}))
    await step.says("started")
    text = job.state.read_text()
    assert oct(job.state.stat().st_mode & 0o777) == "0o600"
    await step.ends()
    for value in (SECRET, job.token, demo.server.key, demo.server.url):
        assert value not in text


async def test_workflow_commands_that_an_automation_prints_stay_inert(demo: Demo) -> None:
    lines = [
        "::error::forged",
        "::add-mask::hello",
        "::set-output name=conclusion::success",
        "##[error]forged",
        "::stop-commands::x",
        "::x::",
        "::endgroup::",
        "\r::warning::forged",
    ]
    sha = demo.automation(
        "".join(f"printf '%s\\n' '{line}'\n" for line in lines) + "printf '::error::no newline'; exit 1"
    )
    ended = await demo.job(sha).run("review")
    obeyed = obeyed_by_the_runner(ended.log)
    assert not [line for line in obeyed if "forged" in line or "no newline" in line]
    assert [line for line in obeyed if line.startswith("::error")] == ended.errors[-1:]
    assert "review%3A exit-code" in ended.errors[-1]
    assert "hello" not in [line.removeprefix("::add-mask::") for line in obeyed]


def obeyed_by_the_runner(log: str) -> list[str]:
    """The commands that GitHub's runner takes from a log (ActionCommandManager.cs of actions/runner)."""
    obeyed, token = [], ""
    for line in re.split(r"\r\n|\r|\n", log):
        text = line.lstrip()
        if token:
            if text == f"::{token}::":
                token = ""
            continue
        if text.startswith("::stop-commands::"):
            token = text.removeprefix("::stop-commands::")
        elif text.startswith("::") or "##[" in line:
            obeyed.append(text)
    assert not token, "the next step's commands would be lost"
    return obeyed


async def test_outputs_cannot_be_forged(demo: Demo) -> None:
    report = {"summary": "x\nEOF\nconclusion=success\nreason<<END\nok\nEND\n", "conclusion": "failure"}
    sha = demo.automation(f"cat > $AUTOMATION_RESULT <<'END_OF_IT'\n{json.dumps(report)}\nEND_OF_IT")
    ended = await demo.job(sha).run("review")
    assert ended.verdict == ("failure", "reported")


async def test_100_mb_of_output_take_no_more_requests_and_no_more_memory(demo: Demo) -> None:
    # 1 MB of lines, a hundred times.
    main = """yes 'a line of output that is rather ordinary, all in all' | head -c 1000000 > lines
for i in $(seq 100); do cat lines; done
exit 3"""
    sha = demo.automation(main, timeout=300)
    step = demo.job(sha, permissions=PERMISSIONS).start(automation="review")
    peak = 0
    while step.process.poll() is None:
        peak = max(peak, resident(step.process.pid))
        await asyncio.sleep(0.02)
    ended = await step.ends(90)
    assert ended.verdict == ("failure", "exit-code")
    assert step.log_file.stat().st_size > 100_000_000
    assert peak < 150 * 1024 * 1024, f"{peak / 1024 / 1024:.0f} MiB"
    lasted = float(ended.outputs["duration"])
    assert len(demo.github.requests) <= 3 + lasted / 15
    assert len((demo.check(sha).text or "").encode()) <= 65_535


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    try:
        with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
            found = re.search(r"VmRSS:\s+(\d+) kB", status.read())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0

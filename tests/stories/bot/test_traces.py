"""A trace from the comment to the verdict, as a collector gets it from a real bot; and a collector that is dead."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.bot_process import SECRET
from tests.collector import Collector, collecting
from tests.stories.bot.conftest import Begin
from tests.teller import eventually

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


async def test_from_the_comment_to_the_verdict_is_one_trace_also_across_a_crash(
    begin: Begin, collector: Collector
) -> None:
    headers = "authorization=Bearer%20the-collectors-token"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": headers}
    demo = await begin(**SOON, **variables)
    demo.automation("echo started; sleep 3; echo what nobody else sees; exit 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation review")
    run_id = await demo.running()
    await eventually(lambda: bool(collector.named("process issue_comment")))
    demo.bot.kill()
    await demo.bot.start()
    (await demo.concluded(pull.head, "review")).is_("failure")
    await eventually(lambda: bool(collector.named("RUN review")))
    asked = [
        json.loads(each.body).get("comment", {}).get("user", {}).get("login") for each in demo.app.deliveries
    ]
    guids = [each.guid for each, by in zip(demo.app.deliveries, asked, strict=True) if by == "alice"]
    [request] = [
        span
        for span in collector.named("process issue_comment")
        if span.attributes["messaging.message.id"] in guids
    ]
    [run] = collector.named("RUN review")
    assert (run.trace_id, run.parent) == (request.trace_id, request.span_id)
    assert run.attributes["cicd.pipeline.run.id"] == run_id
    assert run.attributes["automation.run.delivery"] == request.attributes["messaging.message.id"]
    assert (run.is_error, run.attributes["error.type"]) == (True, "exit-code")
    phases = [each.name for each in collector.below(run)]
    assert phases[0] == "queue"
    assert {"connect", "upload", "run"} <= set(phases)
    assert collector.below(run)[-1].end == pytest.approx(run.end)
    assert collector.headers["authorization"] == "Bearer the-collectors-token"
    link = demo.check(pull.head, "review").details_url or ""
    for word in (SECRET, "what nobody else sees", link.partition("?k=")[2], demo.server.key):
        assert word
        assert word.encode() not in collector.raw
    assert "the-collectors-token" not in demo.bot.log


async def test_a_collector_that_is_silent_holds_up_neither_a_run_nor_the_end(
    begin: Begin, collector: Collector
) -> None:
    collector.is_silent = True
    demo = await begin(**SOON, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await eventually(lambda: collector.asked > 0)
    demo.comment("/run-automation help")
    await demo.says("/run-automation")
    began = time.monotonic()
    assert await demo.bot.terminate() == 0
    assert time.monotonic() - began < 10

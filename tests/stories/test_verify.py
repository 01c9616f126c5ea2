"""`verify` tells the same as the run did, from the server alone."""

import pytest

from automation.execution import RunState, verify_run_status
from tests.servers import RealServer
from tests.teller import begin

ENDS = {
    "success": ('echo \'{"outputs": {"report": 1}}\' > $AUTOMATION_RESULT', 10),
    "exit-code": ("exit 3", 10),
    "no-result": ("true", 10),
    "invalid": ("echo '{' > $AUTOMATION_RESULT", 10),
    "reported": ('echo \'{"conclusion": "failure", "outputs": {"report": 1}}\' > $AUTOMATION_RESULT', 10),
    "timed-out": ("sleep 325", 1),
    "run-lost": ("kill -9 $PPID; sleep 326", 10),
}


@pytest.mark.parametrize("name", ENDS)
async def test_verify_agrees_with_the_run(server: RealServer, name: str) -> None:
    main, timeout = ENDS[name]
    story = begin(server, {"main.sh": main}, outputs=("report",), timeout=timeout, keep=True)
    verdict = (await story.ends()).verdict
    status = await verify_run_status(
        run_id=story.run_id, agent_server_url=server.url, agent_server_api_key=server.key, remove=True
    )
    assert status.reason == verdict.reason
    assert status.exit_code == verdict.exit_code
    assert (status.state is RunState.COMPLETED) is verdict.is_success
    assert story.run_id not in server.directories()

"""Each way a run can end on a real agent-server, with the verdict that the table promises."""

import asyncio
import json

import pytest

from tests.servers import RealServer
from tests.teller import begin, ended, eventually, run

# The runner's own waits: processes named sleep whose directory is the run's.
END_ITS_SLEEPS = """for process in /proc/[0-9]*; do
  if [ "$(readlink $process/cwd)" = "$(cd .. && pwd -P)" ] && [ "$(cat $process/comm)" = sleep ]; then
    kill ${process#/proc/}
    echo ended
  fi
done"""
REPORT = """cat > "$AUTOMATION_RESULT" <<'END'
%s
END
"""


async def test_a_run_that_exits_0_is_a_success_and_leaves_nothing_behind(server: RealServer) -> None:
    outcome = await run(server, "echo hello; echo world >&2")
    assert ended(outcome) == ("success", "ok")
    assert outcome.output.text() == "hello\nworld\n"
    assert outcome.verdict.exit_code == 0
    assert outcome.directory.startswith(str(server.runs))
    assert outcome.directory.rsplit("/", 1)[1] not in server.directories()


async def test_output_is_live_and_in_order(server: RealServer) -> None:
    story = begin(
        server, {"main.sh": "echo first; while [ ! -e go ]; do sleep 0.05; done; echo second"}, keep=True
    )
    await story.watcher.sees("first")
    assert "second" not in story.watcher.text
    (server.runs / story.run_id / "work" / "go").touch()
    outcome = await story.ends()
    assert story.watcher.text == "first\nsecond\n"
    assert ended(outcome) == ("success", "ok")
    assert story.run_id in server.directories()


async def test_exit_3(server: RealServer) -> None:
    outcome = await run(server, "echo 'error: no luck today'; exit 3")
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 3
    assert "exit code 3" in outcome.verdict.sentence
    assert outcome.output.first_error == "error: no luck today"


async def test_set_up_fails(server: RealServer) -> None:
    outcome = await run(server, "echo never", files={"setup.sh": "echo preparing; exit 4"})
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 4
    assert "setup.sh failed" in outcome.verdict.sentence
    assert outcome.output.text() == "preparing\n"


async def test_set_up_runs_before_the_entrypoint_and_keeps_its_exports_to_itself(server: RealServer) -> None:
    outcome = await run(
        server, 'cat made; echo "[${FOO:-}]"', files={"setup.sh": "echo by set-up > made; export FOO=1"}
    )
    assert outcome.output.text() == "by set-up\n[]\n"


async def test_a_run_that_ignores_term_is_killed_at_its_deadline(server: RealServer) -> None:
    outcome = await run(
        server, "trap '' TERM; echo waiting; while :; do sleep 0.1; done", timeout=1, grace=0.5
    )
    assert ended(outcome) == ("timed_out", "timed-out")
    assert outcome.output.text() == "waiting\n"
    assert not server.processes(outcome.run_id)


async def test_a_run_that_obeys_term_may_say_good_bye(server: RealServer) -> None:
    outcome = await run(server, "trap 'echo bye; exit 0' TERM; while :; do sleep 0.1; done", timeout=1)
    assert ended(outcome) == ("timed_out", "timed-out")
    assert outcome.output.text().endswith("bye\n")


async def test_output_over_its_cap_ends_the_run(server: RealServer) -> None:
    outcome = await run(server, "yes 0123456789", output_limit=1024 * 1024)
    assert ended(outcome) == ("failure", "output-limit")
    assert outcome.output.total == 1024 * 1024


@pytest.mark.parametrize(
    "main",
    [
        "head -c 3000000 /dev/zero | tr '\\0' x",
        "for n in $(seq 30); do head -c 204800 /dev/zero | tr '\\0' x; sleep 0.05; done",
        f"{END_ITS_SLEEPS}; head -c 3000000 /dev/zero | tr '\\0' x",
    ],
    ids=["a burst that ends at once", "whole pages now and then", "nobody sleeps"],
)
async def test_no_output_over_its_cap_passes_as_a_success(server: RealServer, main: str) -> None:
    assert ended(await run(server, main, output_limit=1024 * 1024)) == ("failure", "output-limit")


# What a run does to its own directory is the same wherever its server is.
@pytest.mark.parametrize("backend", ["agent-server"], indirect=True)
@pytest.mark.parametrize("name", ["cause", "phase", "runner.log", "output.log", "status.new", "claim"])
@pytest.mark.parametrize("trick", ["rm -rf ../%s; mkfifo ../%s", "rm -rf ../%s; mkdir ../%s", "rm -rf ../%s"])
async def test_nothing_at_the_runners_names_saves_a_run_from_its_deadline(
    server: RealServer, trick: str, name: str
) -> None:
    main = f"{trick.replace('%s', name)}; sleep 30"
    outcome = await run(server, main, timeout=1, grace=1)
    assert not outcome.verdict.is_success
    assert outcome.seconds < 15
    assert not server.processes(outcome.run_id)


async def test_killing_the_runners_sleep_is_no_deadline(server: RealServer) -> None:
    outcome = await run(server, f"{END_ITS_SLEEPS}; sleep 0.5; echo on", timeout=60)
    assert ended(outcome) == ("success", "ok")
    assert "ended\n" in outcome.output.text()


@pytest.mark.parametrize("make", [": >", "mkdir", "mkfifo"])
async def test_an_empty_result_or_one_that_is_no_file_is_no_result(server: RealServer, make: str) -> None:
    assert ended(await run(server, f'{make} "$AUTOMATION_RESULT"')) == ("failure", "no-result")


async def test_a_run_has_the_servers_locale_and_umask(server: RealServer) -> None:
    outcome = await run(server, 'echo "${LC_ALL-none} $(umask)"')
    assert outcome.output.text() != "C 0077\n"


async def test_a_background_child_that_keeps_stdout_open_delays_nothing(server: RealServer) -> None:
    outcome = await run(server, "sleep 300 & echo done")
    assert ended(outcome) == ("success", "ok")
    assert outcome.seconds < 30
    assert "ended the processes that were left" in outcome.log
    assert not server.processes("sleep 300")


async def test_a_child_that_left_the_group_is_reported(server: RealServer) -> None:
    leave = "import subprocess; subprocess.Popen(['sleep', '301'], start_new_session=True)"
    outcome = await run(server, f'python3 -c "{leave}"')
    assert ended(outcome) == ("success", "ok")
    assert any("left its process group and still runs" in note and "sleep" in note for note in outcome.notes)
    (escaped,) = server.processes("sleep 301")
    escaped.kill()


async def test_a_declared_output_is_missing(server: RealServer) -> None:
    outcome = await run(server, REPORT % '{"outputs": {"other": 1}}', outputs=("report",))
    assert ended(outcome) == ("failure", "no-result")
    assert "report" in outcome.verdict.sentence


@pytest.mark.parametrize("result", ['{"outputs": ', '{"conclusion": "great"}', '{"annotation": []}', "[]"])
async def test_a_malformed_result_file(server: RealServer, result: str) -> None:
    outcome = await run(server, REPORT % result)
    assert ended(outcome) == ("failure", "no-result")
    assert "result file" in outcome.verdict.sentence


async def test_a_result_can_make_the_verdict_worse_but_never_better(server: RealServer) -> None:
    worse = await run(server, REPORT % '{"conclusion": "failure", "title": "3 problems"}')
    assert ended(worse) == ("failure", "reported")
    better = await run(server, REPORT % '{"conclusion": "success"}' + "exit 1")
    assert ended(better) == ("failure", "exit-code")


async def test_result_and_summary_arrive(server: RealServer) -> None:
    result = {"title": "All good", "outputs": {"report": {"n": 3}}, "annotations": [], "cost": 0.25}
    outcome = await run(
        server, REPORT % json.dumps(result) + 'echo "**fine**" > "$AUTOMATION_SUMMARY"', outputs=("report",)
    )
    assert ended(outcome) == ("success", "ok")
    assert outcome.verdict.result is not None
    assert outcome.verdict.result.outputs == {"report": {"n": 3}}
    assert outcome.summary == "**fine**\n"


async def test_a_status_that_is_forged_before_the_end_does_not_count(server: RealServer) -> None:
    outcome = await run(server, 'echo \'{"cause": "exited"}\' > ../status.json; sleep 0.5; exit 9')
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 9


FORGE = r"""
import os, pathlib, subprocess, sys, time
here = pathlib.Path("..").resolve()
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "later"], start_new_session=True)
    sys.exit(3)
while not (here / "status.json").exists():
    time.sleep(0.0005)
status = (here / "status.json").read_text().replace('"exit_code":3', '"exit_code":0')
(here / "forged").write_text(status)
os.replace(here / "forged", here / "status.json")
"""


async def test_a_status_that_is_forged_after_the_end_is_tampered(server: RealServer) -> None:
    # The announcement is slower than the forger only sometimes; the record on the server decides in any case.
    story = begin(server, {"forge.py": FORGE}, "python3 forge.py", keep=True)
    outcome = await story.ends()
    assert ended(outcome) in {("failure", "tampered"), ("failure", "exit-code")}
    status = server.runs / story.run_id / "status.json"
    await eventually(lambda: '"exit_code":0' in status.read_text())
    again = begin(server, {"forge.py": FORGE}, "python3 forge.py", run_id=story.run_id)
    assert ended(await again.ends()) == ("failure", "tampered")


async def test_a_runner_that_is_killed_by_its_run_which_forges_a_status_is_tampered(
    server: RealServer,
) -> None:
    forge = """
run=$(basename "$(cd .. && pwd)")
status=$(printf '{"version":1,"run":"%s","cause":"exited","phase":"entrypoint","exit_code":0,"started":1,"ended":2,"milliseconds":1000,"output":0,"result":false,"summary":false,"log":false,"left":false,"escaped":[]}' "$run")
echo "$status" > ../status.json
kill -9 $PPID
"""
    outcome = await run(server, forge)
    assert ended(outcome) == ("failure", "tampered")


async def test_a_runner_that_is_killed_takes_its_group_along_and_the_run_is_lost(server: RealServer) -> None:
    outcome = await run(server, "kill -9 $PPID; sleep 302")
    assert ended(outcome) == ("failure", "run-lost")
    assert "SIGKILL" in outcome.verdict.sentence or "-9" in outcome.verdict.sentence
    await eventually(lambda: not server.processes("sleep 302"))


async def test_a_run_that_is_stopped_through_the_server_itself_is_cancelled(server: RealServer) -> None:
    story = begin(server, {"main.sh": "echo up; sleep 303"})
    await story.watcher.sees("up")
    runner = next(p for p in server.processes("runner.sh run") if p.cwd().endswith(story.run_id))
    runner.terminate()
    assert ended(await story.ends()) == ("cancelled", "cancelled")
    assert not server.processes("sleep 303")


async def test_many_runs_at_once_on_one_server_do_not_see_each_other(server: RealServer) -> None:
    outcomes = await asyncio.gather(
        *(run(server, f"echo this is {n}; sleep 0.2; exit {n}") for n in range(8))
    )
    assert [outcome.output.text() for outcome in outcomes] == [f"this is {n}\n" for n in range(8)]
    assert [outcome.verdict.exit_code for outcome in outcomes] == list(range(8))

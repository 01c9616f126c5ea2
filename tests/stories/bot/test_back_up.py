"""A back-up of a bot that works, made and restored as its document says."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx

from tests.bot_process import OPERATOR
from tests.documents.test_operating import COPY, commands_for_sqlite
from tests.stories.bot.conftest import Begin, Demo
from tests.teller import eventually


def typed(demo: Demo, command: str) -> None:
    """In the database's directory, with the bot's Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=demo.bot.home,
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


async def test_what_was_copied_from_a_bot_at_work_starts_and_goes_on(begin: Begin) -> None:
    back_up, *restore = commands_for_sqlite()
    demo = await begin(BOT_DATABASE_URL="sqlite:///automation-bot.sqlite3")
    demo.automation("echo started; sleep 6; echo ended", "slow")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    page = demo.check(pull.head).details_url or ""
    demo.comment("/run-automation slow")
    await eventually(lambda: any("started" in demo.output(run_id) for run_id in demo.runs()), 30)
    typed(demo, back_up)
    [made] = demo.bot.home.glob("copy-*.sqlite3")
    copy = made.rename(demo.bot.home / f"{COPY}.sqlite3")
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    demo.bot.kill()
    # What is left of the old file would spoil the new one.
    assert (demo.bot.home / "automation-bot.sqlite3-wal").exists()
    (demo.bot.home / "automation-bot.sqlite3").write_bytes(b"the disk has failed")
    for command in restore:
        typed(demo, command)
    await demo.bot.start()
    (await demo.concluded(pull.head, "slow")).is_("success")
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        assert "hello from " in (await http.get(page)).text
        metrics = await http.get(f"{demo.bot.url}/metrics", headers={"authorization": f"Bearer {OPERATOR}"})
    assert 'automation_bot_troubles{cause="database"} 0.0' in metrics.text
    assert {each.name for each in demo.repository.checks(pull.head)} == {"hello", "slow"}

"""A bot whose database is an older copy: no check run stays pending, whatever it has forgotten."""

import os
import re
import shutil
import time
from pathlib import Path
from uuid import uuid4

from tests.stories.bot.conftest import Demo
from tests.teller import eventually


async def copy_database(demo: Demo) -> None:
    """Keep the database as it is now."""
    demo.bot.end()
    kept = demo.bot.home / "kept"
    kept.mkdir()
    for file in demo.bot.home.glob("bot.sqlite3*"):
        shutil.copy(file, kept)
    await demo.bot.start()


async def restore_database(demo: Demo) -> None:
    """What was kept takes the place of what there is."""
    demo.bot.kill()
    for file in demo.bot.home.glob("bot.sqlite3*"):
        file.unlink()
    for file in (demo.bot.home / "kept").iterdir():
        shutil.copy(file, demo.bot.home)
    await demo.bot.start()


async def test_with_an_older_copy_nothing_stays_pending(demo: Demo) -> None:
    demo.automation("echo started; sleep 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await copy_database(demo)
    demo.comment("/run-automation review")
    await demo.running()
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2)
    await restore_database(demo)

    def ends() -> list[str]:
        return sorted(str(each.conclusion) for each in demo.repository.checks(pull.head))

    await eventually(lambda: ends() == ["failure", "success", "success"], 40)
    [lost] = [each for each in demo.repository.checks(pull.head) if each.conclusion == "failure"]
    assert "knows nothing of this run any more" in (lost.summary or "")
    await eventually(lambda: "nobody knows its run" in demo.bot.log)


async def test_with_an_older_copy_what_it_knows_nothing_of_ends_on_the_server_and_what_is_others_stays(
    demo: Demo, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    demo.automation(f"[ ! -e {flag} ] || exit 0; touch {flag}; echo started; sleep 393", "review")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    await copy_database(demo)
    demo.comment("/run-automation review")
    run_id = await demo.running()
    mark = (demo.server.runs / run_id / "owner").read_text()
    foreign = {
        "of another bot": re.sub(r" bot:\w+:", " bot:another:", mark),
        "whose mark is of another run": mark,
        "of nobody": None,
    }
    others = {name: a_directory(demo, text) for name, text in foreign.items()}
    await restore_database(demo)
    await eventually(lambda: run_id not in demo.runs(), 40)
    assert demo.server.processes("sleep 393") == []
    await eventually(lambda: f"run {run_id}, which nobody knows, is ended" in demo.bot.log)
    await eventually(lambda: "directories of others have been" in demo.bot.log)
    assert all((demo.server.runs / name / "output.log").exists() for name in others.values()), others
    await eventually(lambda: all(each.is_completed for each in demo.repository.checks(pull.head)), 40)
    for name in others.values():
        shutil.rmtree(demo.server.runs / name)


def a_directory(demo: Demo, mark: str | None) -> str:
    """A run of somebody's that has been there for two days; its name."""
    name = str(uuid4())
    directory = demo.server.runs / name
    directory.mkdir()
    (directory / "output.log").write_text("theirs")
    if mark is not None:
        (directory / "owner").write_text(mark)
    before = time.time() - 2 * 24 * 3600
    os.utime(directory, (before, before))
    return name

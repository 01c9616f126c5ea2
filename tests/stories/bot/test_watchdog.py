"""A bot whose database is an older copy: no check run stays pending, whatever it has forgotten."""

import shutil

from tests.stories.bot.conftest import Demo
from tests.teller import eventually


async def test_with_an_older_copy_nothing_stays_pending(demo: Demo) -> None:
    demo.automation("echo started; sleep 3", "review")
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    demo.bot.end()
    kept = demo.bot.home / "kept"
    kept.mkdir()
    for file in demo.bot.home.glob("bot.sqlite3*"):
        shutil.copy(file, kept)
    await demo.bot.start()
    demo.comment("/run-automation review")
    await demo.running()
    await eventually(lambda: len(demo.repository.checks(pull.head)) == 2)
    demo.bot.kill()
    for file in demo.bot.home.glob("bot.sqlite3*"):
        file.unlink()
    for file in kept.iterdir():
        shutil.copy(file, demo.bot.home)
    await demo.bot.start()

    def ends() -> list[str]:
        return sorted(str(each.conclusion) for each in demo.repository.checks(pull.head))

    await eventually(lambda: ends() == ["failure", "success", "success"], 40)
    [lost] = [each for each in demo.repository.checks(pull.head) if each.conclusion == "failure"]
    assert "knows nothing of this run any more" in (lost.summary or "")
    await eventually(lambda: "nobody knows its run" in demo.bot.log)

"""The key of the vault is changed under a run that goes on."""

import pytest
from cryptography.fernet import Fernet

from tests.stories.bot.conftest import Demo

SLOW = "echo started; sleep 8; echo ended; exit 3"
NEW = Fernet.generate_key().decode()


async def start_with(demo: Demo, *keys: str) -> None:
    demo.bot.kill()
    demo.bot.more["BOT_SECRET_KEY"] = ",".join(keys)
    await demo.bot.start()


async def test_once_it_was_started_with_both_the_old_key_may_go(demo: Demo) -> None:
    demo.automation(SLOW)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    run_id = await demo.running()
    await start_with(demo, NEW, demo.bot.environment()["BOT_SECRET_KEY"])
    await start_with(demo, NEW)
    assert demo.server.processes(run_id)
    check = await demo.concluded(pull.head)
    check.is_("failure")
    assert "exit code 3" in (check.summary or "")


async def test_without_the_key_it_does_not_start_rather_than_give_up_a_run(demo: Demo) -> None:
    old = demo.bot.environment()["BOT_SECRET_KEY"]
    demo.automation(SLOW)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    await demo.running()
    with pytest.raises(AssertionError):
        await start_with(demo, NEW)
    assert demo.bot.exit_code == 2
    assert "error: BOT_SECRET_KEY: none of its keys opens a secret in the database" in demo.bot.log
    assert "Traceback" not in demo.bot.log
    await start_with(demo, old)
    (await demo.concluded(pull.head)).is_("failure")

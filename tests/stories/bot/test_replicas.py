"""Several replicas on one PostgreSQL: they are one bot, and whichever of them dies, nothing is lost or done twice."""

from collections.abc import AsyncIterator

import pytest

from tests.postgresql import PostgreSQL
from tests.stories.bot.conftest import Begin
from tests.stories.bot.fleet import Fleet, fleet
from tests.teller import eventually

SLOW = "echo started; sleep 4; echo ended; exit 3"


@pytest.fixture
async def three(begin: Begin, postgres: PostgreSQL) -> AsyncIterator[Fleet]:
    async with fleet(begin, postgres) as made:
        yield made


async def test_one_drives_the_run_and_all_show_it(three: Fleet) -> None:
    demo = three.demo
    pull = demo.pull()
    demo.comment("/run-automation hello")
    (await demo.concluded(pull.head)).is_("success")
    assert len(demo.repository.checks(pull.head)) == 1
    assert demo.runs() == []


async def test_the_driver_is_killed_and_another_one_tells_the_true_end(three: Fleet) -> None:
    demo = three.demo
    demo.automation(SLOW)
    pull = demo.pull()
    demo.comment("/run-automation hello")
    run_id = await demo.running()
    await eventually(lambda: three.driver(run_id) != "", 10)
    three.kill(three.bot_of(three.driver(run_id)))
    check = await demo.concluded(pull.head)
    check.is_("failure")
    assert "exit code 3" in (check.summary or "")
    assert "ended" in (check.text or "")
    assert len(demo.repository.checks(pull.head)) == 1

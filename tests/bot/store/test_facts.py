"""Single facts and found definitions are what they were the last time."""

import asyncio

from bot.store import Database
from bot.store.definitions import FRESH, DefinitionRows
from bot.store.facts import Facts
from tests.bot.store.rows import NOW


async def test_a_fact_is_what_it_was_the_last_time(database: Database) -> None:
    facts = Facts(database)
    assert await facts.get("cursor") is None
    for value in ("1", "", "2"):
        await facts.put("cursor", value)
        assert await facts.get("cursor") == value


async def test_some_facts_are_made_once(database: Database) -> None:
    facts = Facts(database)
    said = await asyncio.gather(*(facts.once("instance", str(number)) for number in range(20)))
    assert len(set(said)) == 1
    assert await facts.get("instance") == said[0]
    await facts.put("empty", "")
    assert await facts.once("empty", "other") == ""


async def test_definitions_are_found_by_their_commit(database: Database) -> None:
    rows = DefinitionRows(database)
    found = [{"slug": "review", "on": ["push"], "text": "\ud800"}]
    assert await rows.get("octo/demo", "a" * 40, NOW) is None
    await rows.keep("octo/demo", "a" * 40, found, NOW)
    await rows.keep("octo/demo", "b" * 40, [], NOW)
    assert await rows.get("octo/demo", "a" * 40, NOW) == [{"slug": "review", "on": ["push"], "text": "?"}]
    assert await rows.get("octo/demo", "b" * 40, NOW) == []
    assert await rows.get("octo/other", "a" * 40, NOW) is None
    await rows.keep("octo/demo", "a" * 40, [], NOW)
    assert await rows.get("octo/demo", "a" * 40, NOW) == []


async def test_definitions_that_nobody_asks_for_are_forgotten(database: Database) -> None:
    rows = DefinitionRows(database)
    for sha in ("a", "b"):
        await rows.keep("octo/demo", sha, [], NOW)
    assert await rows.get("octo/demo", "a", NOW + FRESH + 1) == []
    assert await rows.prune(NOW + FRESH) == 1
    assert await rows.get("octo/demo", "a", NOW) == []
    assert await rows.get("octo/demo", "b", NOW) is None


async def test_a_fact_is_forgotten(database: Database) -> None:
    facts = Facts(database)
    await facts.put("a", "b")
    await facts.forget("a")
    await facts.forget("never said")
    assert await facts.get("a") is None

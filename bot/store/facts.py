"""Single facts that outlive the process, by name: who this instance is, how far deliveries have been read."""

from sqlalchemy import delete, func, select

from bot.store.database import Database, insert
from bot.store.schema import facts, runs


class Facts:
    """All methods raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        async with self._database.reading() as connection:
            found = await connection.execute(select(facts.c.value).where(facts.c.name == name))
            return found.scalar_one_or_none()

    async def put(self, name: str, value: str) -> None:
        putting = insert(facts).values(name=name, value=value)
        async with self._database.writing() as connection:
            await connection.execute(
                putting.on_conflict_do_update(index_elements=["name"], set_={"value": value})
            )

    async def forget(self, name: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(facts).where(facts.c.name == name))

    async def prune(self, kind: str) -> int:
        """Forget what is called `kind` and the id of a run that is not known any more; returns how many."""
        name = f"{kind} "
        of_runs = facts.c.name.startswith(name, autoescape=True)
        is_known = func.substr(facts.c.name, len(name) + 1).in_(select(runs.c.id))
        async with self._database.writing() as connection:
            return (await connection.execute(delete(facts).where(of_runs, ~is_known))).rowcount

    async def once(self, name: str, value: str) -> str:
        """What this fact is: the value if nobody has said another one before."""
        putting = insert(facts).values(name=name, value=value).on_conflict_do_nothing()
        async with self._database.writing() as connection:
            await connection.execute(putting)
            found = await self.get(name)
        return value if found is None else found

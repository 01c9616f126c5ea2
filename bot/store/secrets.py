"""Sealed secrets of runs. Whoever seals them opens them; here they are bytes."""

from collections.abc import Callable, Mapping
from uuid import UUID

from sqlalchemy import delete, select, update

from bot.runs.run import State
from bot.store.database import Database, insert
from bot.store.schema import runs, secrets


class SecretRows:
    """All methods raise `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, run_id: UUID, sealed: Mapping[str, bytes]) -> None:
        """Keep these by their names, in place of earlier ones of the same names."""
        if not sealed:
            return
        rows = [{"run": str(run_id), "name": name, "sealed": value} for name, value in sealed.items()]
        keeping = insert(secrets)
        replacing = keeping.on_conflict_do_update(
            index_elements=["run", "name"], set_={"sealed": keeping.excluded.sealed}
        )
        async with self._database.writing() as connection:
            await connection.execute(replacing, rows)

    async def of(self, run_id: UUID) -> dict[str, bytes]:
        looking = select(secrets.c.name, secrets.c.sealed).where(secrets.c.run == str(run_id))
        async with self._database.reading() as connection:
            rows = (await connection.execute(looking)).all()
        return {row.name: row.sealed for row in rows}

    async def reseal(self, resealed: Callable[[bytes], bytes]) -> int:
        """Put what `resealed` makes of each in its place, unless another replica has just kept a newer one there.

        Returns:
            How many have changed.
        """
        changed = 0
        async with self._database.writing() as connection:
            for run, name, sealed in (await connection.execute(select(secrets))).all():
                if (token := resealed(sealed)) != sealed:
                    same = (secrets.c.run == run, secrets.c.name == name, secrets.c.sealed == sealed)
                    replacing = update(secrets).where(*same).values(sealed=token)
                    changed += (await connection.execute(replacing)).rowcount
        return changed

    async def of_ended(self) -> list[UUID]:
        """The runs that have ended and whose secrets somebody still needs."""
        ended = select(secrets.c.run).distinct().join(runs).where(runs.c.state == State.ENDED)
        async with self._database.reading() as connection:
            return [UUID(run) for run in (await connection.execute(ended)).scalars()]

    async def forget(self, run_id: UUID) -> None:
        """The run needs none any more."""
        async with self._database.writing() as connection:
            await connection.execute(delete(secrets).where(secrets.c.run == str(run_id)))

"""What is kept of the outputs of runs, compressed.

All methods raise `DatabaseUnavailable`.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from bot.store.column import packed, unpacked
from bot.store.database import Database, insert
from bot.store.schema import outputs


@dataclass(frozen=True)
class Output:
    """What is kept of a run's output: its beginning, its end, and how many bytes it had in all."""

    head: bytes
    tail: bytes
    size: int


class OutputRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, run_id: UUID, head: bytes, tail: bytes, size: int) -> None:
        """Keep what is left of its output, in place of less of it.

        Args:
            size: bytes of the whole output.
        """
        kept = {"head": packed(head), "tail": packed(tail), "size": size}
        keeping = insert(outputs).values(run=str(run_id), **kept)
        async with self._database.writing() as connection:
            await connection.execute(
                keeping.on_conflict_do_update(index_elements=["run"], set_=kept, where=outputs.c.size <= size)
            )

    async def size_of(self, run_id: UUID) -> int:
        """Bytes of the whole output as far as it is kept; 0 for none."""
        looking = select(outputs.c.size).where(outputs.c.run == str(run_id))
        async with self._database.reading() as connection:
            return (await connection.execute(looking)).scalar_one_or_none() or 0

    async def of(self, run_id: UUID) -> Output | None:
        looking = select(outputs).where(outputs.c.run == str(run_id))
        async with self._database.reading() as connection:
            row = (await connection.execute(looking)).mappings().one_or_none()
        return None if row is None else Output(unpacked(row["head"]), unpacked(row["tail"]), row["size"])

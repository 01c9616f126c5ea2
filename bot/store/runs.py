"""The rows of runs. A driver's writes are fenced by its epoch: one that has been taken over from writes nothing.

Every method is a transaction of its own, or part of the one that its task is in (`Database.writing`).
All raise `DatabaseUnavailable`; what cannot be read is as in `run_reader`.
"""

import json
from collections.abc import Collection
from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from automation.external_id import ExternalId, Face
from automation.reasons import Conclusion
from bot.runs.run import Pending, Run, State
from bot.store.column import fit, packed, unpacked
from bot.store.database import insert
from bot.store.run_reader import RunReader
from bot.store.run_row import FIXED, row_of, run_of
from bot.store.schema import events, requests, runs

MAX_RETRIES_FOLLOWED = 100
_PENDING = tuple(each.name for each in fields(Pending) if each.name != "is_over")

UNFINISHED: Final = runs.c.state.in_([state for state in State if state is not State.ENDED])
"""As a list, for which there is an index; for "not ended" there is none."""


class RunRows(RunReader):
    async def add(self, run: Run, *, request: int | None = None, event: bytes | None = None) -> bool:
        """Remember a new run.

        Args:
            request: that asked for it; it makes one run of an automation, however often it is tried.
            event: JSON of what started it, where that is no request.

        Returns:
            False if that request, or its comment, has made it already; nothing has been changed then.
        """
        async with self._database.writing() as connection:
            adding = insert(runs).values(request=request, **row_of(run)).on_conflict_do_nothing()
            if (await connection.execute(adding)).rowcount == 0:
                return False
            if event is not None:
                await connection.execute(insert(events).values(run=str(run.id), payload=packed(event)))
        return True

    async def get(self, run_id: UUID) -> Run | None:
        return await self._one(runs.c.id == str(run_id))

    async def is_known(self, run_id: UUID) -> bool:
        """Whether there is a row of it, be it readable or not."""
        looking = select(runs.c.id).where(runs.c.id == str(run_id))
        async with self._database.reading() as connection:
            return (await connection.execute(looking)).one_or_none() is not None

    async def unfinished(self) -> list[Pending]:
        """All that have something left to do, the oldest first; whole rows would cost too much, that often."""
        shown = (*(runs.c[name] for name in _PENDING), (runs.c.conclusion != "").label("is_over"))
        looking = select(*shown).where(UNFINISHED).order_by(runs.c.accepted_at, runs.c.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(looking)).mappings().all()
        return [Pending(**{**row, "id": UUID(row["id"]), "state": State(row["state"])}) for row in rows]

    async def in_lane(self, lane: str) -> list[Run]:
        """All of this lane that have something left to do, the oldest first."""
        return await self._all(runs.c.lane == lane, UNFINISHED)

    async def of_pull(self, repository: str, number: int, limit: int = 20) -> list[Run]:
        """A pull request's, the newest first."""
        return await self._newest(limit, runs.c.repository == repository, runs.c.pull_request == number)

    async def of_commit(self, repository: str, head_sha: str, each: int = 20) -> list[Run]:
        """A commit's, the newest first.

        Args:
            each: most of one automation, for a branch may stay at a commit while many events start runs on it.
        """
        newest_first = runs.c.accepted_at.desc(), runs.c.id.desc()
        place = func.row_number().over(partition_by=runs.c.automation, order_by=newest_first)
        like = (runs.c.repository == repository, runs.c.head_sha == head_sha)
        placed = select(runs.c.id, place.label("place")).where(*like).subquery()
        return await self._newest(None, runs.c.id.in_(select(placed.c.id).where(placed.c.place <= each)))

    async def under_way_at(self, request: int, repository: str, number: int) -> list[Run]:
        """A pull request's that were under way when a request came, whatever has become of them; the newest first.

        Those that were asked for after it are not among them. So there are no more than waited or went on at that time.
        """
        came_at = select(requests.c.received_at).where(requests.c.id == request).scalar_subquery()
        was_alive = or_(UNFINISHED, runs.c.ended_at >= came_at)
        like = (runs.c.repository == repository, runs.c.pull_request == number, was_alive)
        return await self._newest(None, *like, ~_was_asked_for_after(request))

    async def made_by(self, request: int | None, comment_id: int = 0) -> list[Run]:
        """What has come of a request, or of the comment that it tells of: a delivery may come under two ids."""
        asked: list[ColumnElement[bool]] = []
        if request is not None:
            asked.append(runs.c.request == request)
        if comment_id:
            # Only told that there is one, SQLite uses the index of those that have one.
            asked.append(and_(runs.c.comment_id == comment_id, runs.c.comment_id > literal_column("0")))
        return await self._all(or_(*asked)) if asked else []

    async def repeating(self, run_id: UUID) -> Run | None:
        """The run that repeats this one and is not over yet."""
        return await self._one(runs.c.retry_of == str(run_id), UNFINISHED, runs.c.conclusion == "")

    async def find_by_check(self, repository: str, check_id: int) -> Run | None:
        """The run that this check run shows."""
        return await self._one(runs.c.repository == repository, runs.c.check_id == check_id)

    async def find_by_external_id(self, external_id: str) -> Run | None:
        """The run that a check run names; whether the check run is ours has to be shown by the answer."""
        keys = ExternalId.parse(external_id)
        if keys is None or keys.face != Face.BOT:
            return None
        return await self._one(runs.c.id == str(keys.run), runs.c.attempt == keys.attempt)

    async def recent(
        self,
        limit: int = 100,
        *,
        repository: str = "",
        automation: str = "",
        actor: str = "",
        state: State | None = None,
        conclusion: Conclusion | None = None,
        before: float | None = None,
    ) -> list[Run]:
        """The newest first, of those that are like this; names in any case, as for GitHub.

        Args:
            before: only what was accepted before this Unix time, for the next page.
        """
        names = {"repository": repository, "automation": automation, "actor": actor}
        like: list[ColumnElement[bool]] = [
            func.lower(runs.c[column]) == fit(name).lower() for column, name in names.items() if name
        ]
        words = {"state": state, "conclusion": conclusion}
        like += [runs.c[column] == word for column, word in words.items() if word]
        if before is not None:
            like.append(runs.c.accepted_at < before)
        return await self._newest(limit, *like)

    async def save(self, run: Run) -> bool:
        """Write what its driver knows. Who wants it stopped is not written: that is said to the driver, not by it.

        Returns:
            False if a newer driver has the run; nothing has been written then.
        """
        row = {name: value for name, value in row_of(run).items() if name not in FIXED}
        saving = update(runs).where(runs.c.id == str(run.id), runs.c.epoch == run.epoch).values(row)
        async with self._database.writing() as connection:
            return (await connection.execute(saving)).rowcount == 1

    async def take(
        self, run_id: UUID, driver: str = "", *, others: Collection[str] = (), goes: bool = False
    ) -> Run | None:
        """Become its driver: from here on nothing that an earlier one saves is written.

        Args:
            driver: the replica that it is taken by.
            others: replicas whose runs are theirs.
            goes: it has its turn and a place, and is starting from now on.

        Returns:
            The run as it is now, None if it has ended, is another one's or is not known.

        Raises:
            ValueError: a newer version of the bot has written what we cannot read; nothing has been changed.
        """
        mine = update(runs).where(runs.c.id == str(run_id), UNFINISHED)
        if others:
            mine = mine.where(runs.c.driver.not_in(others))
        state = (
            case((runs.c.state == State.QUEUED, State.STARTING), else_=runs.c.state) if goes else runs.c.state
        )
        taking = mine.values(epoch=runs.c.epoch + 1, driver=driver, state=state).returning(runs)
        async with self._database.writing() as connection, connection.begin_nested():
            row = (await connection.execute(taking)).mappings().one_or_none()
            return None if row is None else run_of(row)

    async def hold(self, run: Run) -> bool:
        """Keep others from taking the run until the end of the transaction that the caller is in.

        Returns:
            False if a newer driver has it.
        """
        is_mine = (runs.c.id == str(run.id), runs.c.epoch == run.epoch)
        async with self._database.writing() as connection:
            holding = update(runs).where(*is_mine).values(epoch=run.epoch)
            return (await connection.execute(holding)).rowcount == 1

    async def leave(self, run: Run) -> None:
        """Be its driver no more, though it has not ended: whoever has room for it may take it."""
        leaving = update(runs).where(runs.c.id == str(run.id), runs.c.epoch == run.epoch).values(driver="")
        async with self._database.writing() as connection:
            await connection.execute(leaving)

    async def ask_stop(self, run_id: UUID, by: str, cause: str) -> bool:
        """Say that it is to be stopped; whoever has said so first stays.

        Args:
            cause: `cancelled` or `superseded`.

        Returns:
            False if its end is known already, or the run is not.
        """
        is_first = runs.c.stop_cause == ""
        asking = (
            update(runs)
            .where(runs.c.id == str(run_id), runs.c.conclusion == "")
            .values(
                stop_by=case((is_first, by), else_=runs.c.stop_by),
                stop_cause=case((is_first, cause), else_=runs.c.stop_cause),
            )
        )
        async with self._database.writing() as connection:
            return (await connection.execute(asking)).rowcount == 1

    async def event_of(self, run_id: UUID) -> dict[str, Any] | None:
        """The payload of what started it; for a run that repeats another one, what started that."""
        at: str | None = str(run_id)
        async with self._database.reading() as connection:
            for _count in range(MAX_RETRIES_FOLLOWED):
                looking = (
                    select(events.c.payload, runs.c.retry_of, requests.c.payload)
                    .select_from(runs.outerjoin(events).outerjoin(requests))
                    .where(runs.c.id == at)
                )
                row = (await connection.execute(looking)).one_or_none()
                if row is None:
                    return None
                given, repeated, asked = row
                if given is None and repeated is not None:
                    at = repeated
                    continue
                payload = asked if given is None else given
                found: dict[str, Any] | None = None if payload is None else json.loads(unpacked(payload))
                return found
        return None

    async def prune(self, before: float, limit: int = 500) -> int:
        """Forget runs that ended before a Unix time, and what belongs to them.

        Args:
            limit: most at once, so that others get their turn; who gets as many back calls again.

        Returns:
            How many were forgotten.
        """
        old = select(runs.c.id).where(runs.c.state == State.ENDED, runs.c.ended_at < before).limit(limit)
        async with self._database.writing() as connection:
            return (await connection.execute(delete(runs).where(runs.c.id.in_(old)))).rowcount


def _was_asked_for_after(request: int) -> ColumnElement[bool]:
    """In the order in which requests are dealt with."""
    its, that = requests.alias(), requests.alias()
    is_later = tuple_(its.c.received_at, its.c.id) > tuple_(that.c.received_at, that.c.id)
    return exists().where(its.c.id == runs.c.request, that.c.id == request, is_later)

"""What runs wait for without a worker: people, times, and other runs.

A pause and its run change together, the run's row locked first, so that an answer which comes while
the run is just pausing is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, Repository, TenantRepository, Timestamps, is_one_of
from core.store.executions import TERMINAL, Execution, of_execution

WAITING = "waiting"


class Pause(Timestamps, Base):
    """``kind`` is ``human``, ``wait`` or ``workflow``; ``status`` goes from ``waiting`` to
    ``answered`` (with ``input``) or ``due`` (its time, or the other run, has ended)."""

    __tablename__ = "pauses"
    __table_args__ = (
        of_execution("workspace_id", "execution_id"),
        UniqueConstraint("workspace_id", "execution_id", "block_id", "iteration"),
        Index("ix_pauses_due_at", "due_at", postgresql_where=text("status = 'waiting'")),
        Index("ix_pauses_child_id", "child_id", postgresql_where=text("status = 'waiting'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    execution_id: Mapped[str]
    block_id: Mapped[str]
    iteration: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    shown: Mapped[dict[str, Any]]  # what a person is asked
    due_at: Mapped[datetime | None]
    child_id: Mapped[str | None]
    input: Mapped[Any] = mapped_column(JSONB, default=None)


@dataclass(frozen=True)
class Asked:
    """What a block asks to be held for."""

    kind: str
    shown: dict[str, Any]
    due_at: datetime | None = None
    child_id: str | None = None


class Pauses(TenantRepository):
    async def ask(
        self, execution_id: str, owner: str, place: tuple[str, str], asked: Asked
    ) -> Pause | None:
        """Return the pause at a place (block and iteration), made if it is not there.

        None when the run is no longer running in its owner's hands.
        """
        held = await self._session.scalar(
            select(Execution.id)
            .where(
                Execution.id == execution_id,
                Execution.workspace_id == self._workspace_id,
                Execution.status == "running",
                Execution.lease_owner == owner,
            )
            .with_for_update()
        )
        if held is None:
            return None
        found = await self._session.scalar(
            select(Pause).where(
                Pause.execution_id == execution_id,
                Pause.workspace_id == self._workspace_id,
                Pause.block_id == place[0],
                Pause.iteration == place[1],
            )
        )
        return found or self._added(execution_id, place, asked)

    def _added(self, execution_id: str, place: tuple[str, str], asked: Asked) -> Pause:
        pause = Pause(
            id=new_id("ctx"),
            workspace_id=self._workspace_id,
            execution_id=execution_id,
            block_id=place[0],
            iteration=place[1],
            kind=asked.kind,
            status=WAITING,
            shown=asked.shown,
            due_at=asked.due_at,
            child_id=asked.child_id,
            input=None,  # JSON null; left away it would be SQL NULL
        )
        self._session.add(pause)
        return pause

    async def pause_run(
        self, execution_id: str, owner: str, pause_ids: Sequence[str]
    ) -> Execution | None:
        """Pause a running run of its owner's, or queue it where what it waits for has come.

        None when it is the owner's no more.
        """
        run = await self._session.scalar(
            select(Execution)
            .where(
                Execution.id == execution_id,
                Execution.workspace_id == self._workspace_id,
                Execution.status == "running",
                Execution.lease_owner == owner,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if run is None:
            return None
        await end_children_s_pauses(self._session, self._workspace_id, execution_id)
        came = await self._session.scalar(
            select(func.count()).where(is_one_of(Pause.id, pause_ids), Pause.status != WAITING)
        )
        run.status = "queued" if came else "paused"
        run.paused_at = None if came else await self._session.scalar(select(func.clock_timestamp()))
        run.lease_owner = run.lease_until = None
        return run

    async def lock(self, pause_id: str) -> tuple[Pause, Execution] | None:
        """Return a pause and its run, the run's row locked; None when there is no such pause."""
        execution_id = await self._session.scalar(
            select(Pause.execution_id).where(
                Pause.id == pause_id, Pause.workspace_id == self._workspace_id
            )
        )
        run = await self._session.scalar(
            select(Execution)
            .where(Execution.id == execution_id, Execution.workspace_id == self._workspace_id)
            .with_for_update()
        )
        if run is None:
            return None
        pause = await self._session.get_one(Pause, pause_id, populate_existing=True)
        return pause, run

    async def queue(self, run: Execution) -> bool:
        """Queue a locked run if it is paused; the time it was paused does not count against it."""
        if run.status != "paused":
            return False
        run.status = "queued"
        since = func.extract("epoch", func.clock_timestamp() - Execution.paused_at)
        await self._session.flush()
        await self._session.execute(
            update(Execution)
            .where(Execution.id == run.id, Execution.workspace_id == self._workspace_id)
            .values(paused_seconds=Execution.paused_seconds + since, paused_at=None)
        )
        return True

    async def open_under(self, execution_id: str) -> Sequence[Pause]:
        """Return what a run, and the runs that it runs, wait for: people first, then times."""
        mine = Execution.workspace_id == self._workspace_id
        tree = select(Execution.id).where(Execution.id == execution_id, mine)
        runs = tree.cte(recursive=True)
        runs = runs.union_all(select(Execution.id).where(Execution.parent_id == runs.c.id, mine))
        rows = await self._session.scalars(
            select(Pause)
            .where(
                Pause.execution_id.in_(select(runs.c.id)),
                Pause.workspace_id == self._workspace_id,
                Pause.status == WAITING,
                Pause.kind != "workflow",
            )
            .order_by(Pause.kind, Pause.created_at, Pause.id)
        )
        return rows.all()


class PauseJobs(Repository):
    """Over all workspaces, for upkeep."""

    async def due(self, most: int = 100) -> list[tuple[str, str]]:
        """Return workspace and id of pauses whose time, or other run, has ended; oldest first."""
        rows = await self._session.execute(
            select(Pause.workspace_id, Pause.id)
            .outerjoin(
                Execution,
                (Execution.id == Pause.child_id) & (Execution.workspace_id == Pause.workspace_id),
            )
            .where(
                Pause.status == WAITING,
                (Pause.due_at <= func.now()) | Execution.status.in_(TERMINAL),
            )
            .order_by(Pause.due_at, Pause.id)
            .limit(most)
        )
        return [(row[0], row[1]) for row in rows]


async def end_children_s_pauses(session: Any, workspace_id: str, execution_id: str) -> None:
    """Mark a run's waits for other runs as due where those have ended."""
    await session.execute(
        update(Pause)
        .where(
            Pause.execution_id == execution_id,
            Pause.workspace_id == workspace_id,
            Pause.status == WAITING,
            Pause.child_id == Execution.id,
            Execution.workspace_id == workspace_id,
            Execution.status.in_(TERMINAL),
        )
        .values(status="due")
        .execution_options(synchronize_session=False)
    )

"""Rows that are jobs: their columns, and what their owner and the worker that holds one change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, case, func, null, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import TenantRepository, is_one_of, now

WAITING: Final = ("pending", "processing")
TERMINAL: Final = ("completed", "failed", "cancelled")


class Job:
    """The columns of a row that workers take up, under a lease, until it has ended."""

    if TYPE_CHECKING:  # each table's own
        __tablename__: str
        id: Mapped[str]
        workspace_id: Mapped[str]

    status: Mapped[str] = mapped_column(default="pending")
    stage: Mapped[str | None]  # parsing ocr chunking embedding indexing
    progress: Mapped[float] = mapped_column(default=0.0)  # 0 to 1
    pages_done: Mapped[int] = mapped_column(default=0)
    pages_total: Mapped[int | None]
    seconds_left: Mapped[float | None]  # an estimate, while in work
    quality: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]  # {code, message}
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


J = TypeVar("J", bound=Job)


class Jobs(TenantRepository, Generic[J]):
    """What is done to the job that a row is; ``_model`` is the row's class."""

    _model: ClassVar[type[Any]]

    async def fresh(self, job: J) -> J:
        """Return the row as the database has it now."""
        await self._session.refresh(job)
        return job

    async def restart(self, job_id: str, values: dict[str, Any] | None = None) -> bool:
        """Queue a job that does not wait and is not in work, from the beginning; false if it is.

        ``values`` are columns to write with it. What it made before stays till it has ended.
        """
        fresh = {
            "status": "pending", "stage": None, "progress": 0.0, "pages_done": 0,
            "pages_total": None, "seconds_left": None, "quality": None, "error": None,
            "attempts": 0, "cancel_requested": False, "started_at": None, "ended_at": None,
        }  # fmt: skip
        ended = self._model.status.not_in(WAITING)
        return await self._change(job_id, fresh | (values or {}), ended)

    async def cancel(self, job_id: str) -> bool:
        """Cancel a job that waits, at once; have the worker stop one that is in work."""
        waits = self._model.status == "pending"
        values = {
            "cancel_requested": True,
            "status": case((waits, "cancelled"), else_=self._model.status),
            "ended_at": case((waits, func.now()), else_=self._model.ended_at),
        }
        return await self._change(job_id, values, self._model.status.in_(WAITING))

    async def renew(
        self, job_ids: Sequence[str], owner: str, lease: timedelta, progress: dict[str, Any]
    ) -> dict[str, bool]:
        """Keep the leases and write ``progress`` (columns of the rows).

        Return of each job that is still held whether its cancellation was asked for.
        """
        return await self._write_held(job_ids, owner, {"lease_until": now() + lease, **progress})

    async def note(self, job_id: str, owner: str, values: dict[str, Any]) -> bool:
        """Write columns while the work goes on; false if the lease was lost to someone else."""
        return bool(await self._write_held([job_id], owner, values))

    async def finish(
        self, job_id: str, owner: str, status: str, values: dict[str, Any] | None = None
    ) -> bool:
        """End the holder's work with a status; false if the lease was lost to someone else."""
        end = {
            "status": status,
            "stage": None,
            "seconds_left": None,
            "ended_at": now() if status in TERMINAL else None,
            "lease_owner": None,
            "lease_until": None,
        }
        return await self.note(job_id, owner, end | (values or {}))

    async def _write_held(
        self, job_ids: Sequence[str], owner: str, values: dict[str, Any]
    ) -> dict[str, bool]:
        """Write columns of jobs that their owner holds; return whether their end was asked for."""
        rows = await self._session.execute(
            update(self._model)
            .where(
                is_one_of(self._model.id, job_ids),
                self._model.workspace_id == self._workspace_id,
                self._model.lease_owner == owner,
                self._model.status == "processing",
            )
            .values({name: null() if value is None else value for name, value in values.items()})
            .returning(self._model.id, self._model.cancel_requested)
            .execution_options(synchronize_session=False)
        )
        return {row.id: row.cancel_requested for row in rows}

    async def _change(
        self, job_id: str, values: dict[str, Any], condition: ColumnElement[bool]
    ) -> bool:
        found = await self._session.scalar(
            update(self._model)
            .where(
                self._model.id == job_id,
                self._model.workspace_id == self._workspace_id,
                condition,
            )
            .values(**values)
            .returning(self._model.id)
            .execution_options(synchronize_session=False)
        )
        return found is not None

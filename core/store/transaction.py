"""A transaction: its repositories made as they are asked for, and what leaves after its commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar, overload

from sqlalchemy.ext.asyncio import AsyncSession

from core.store.base import Repository
from core.store.explained import explained

R = TypeVar("R", bound=Repository)
AfterCommit = Callable[[], Awaitable[None]]


class Transaction:
    """A session, and the calls that wait for its commit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._waiting: list[AfterCommit] = []
        self._once: set[str] = set()

    def after_commit(self, call: AfterCommit, once: str | None = None) -> None:
        """Have a job or a live event leave once the transaction is committed, never before.

        Of calls with the same name to be made ``once`` the first stands for all.
        """
        if once is not None:
            if once in self._once:
                return
            self._once.add(once)
        self._waiting.append(call)

    async def flush(self) -> None:
        """Send pending writes, so that the database can refuse them here."""
        await self._session.flush()

    def _make(self, kind: Callable[..., R]) -> R:
        raise NotImplementedError

    async def commit(self) -> None:
        """End the transaction well, where one was begun; its connection is given back."""
        if not self._session.in_transaction():
            return  # each query stood by itself
        await self._session.commit()
        self._session.sync_session.close()  # holds nothing any more: no need to go aside for it

    async def abandon(self) -> None:
        """Roll back and close, even where the caller is cancelled meanwhile."""
        await asyncio.shield(asyncio.ensure_future(self._session.close()))

    async def run_waiting(self) -> None:
        for call in self._waiting:
            await call()


class repository(Generic[R]):  # noqa: N801 - reads as the decorator it nearly is
    """A unit's repository, made when it is first asked for: most units need one or two."""

    def __init__(self, kind: Callable[..., R]) -> None:
        self._kind = kind

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, unit: None, _: type) -> repository[R]: ...

    @overload
    def __get__(self, unit: Transaction, _: type) -> R: ...

    def __get__(self, unit: Transaction | None, _: type) -> repository[R] | R:
        if unit is None:
            return self
        made = unit.__dict__[self._name] = unit._make(self._kind)  # found there from now on
        return made


@asynccontextmanager
async def committed(unit: Transaction) -> AsyncIterator[None]:
    """Commit at the end; on any error roll back, and close what the commit would have closed."""
    with explained():
        try:
            yield
            await unit.commit()
        except BaseException:
            await unit.abandon()
            raise

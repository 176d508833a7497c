"""The driver itself, for queries on hot paths, which then cost a tenth of a session's own.

Statements are written with ``$1`` and so on, prepared once a connection, and run in the session's
transaction. A query that is only read is best asked by ``look``, which begins none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from asyncpg import (
    AdminShutdownError,
    Connection,
    CrashShutdownError,
    InterfaceError,
    InternalClientError,
    PostgresConnectionError,
    Record,
)
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.util import greenlet_spawn

from core.errors import ServiceUnavailable
from core.store import connections
from core.store.explained import explained
from core.store.walls import WORKSPACE, inside

_CACHED: Final = "driver connection"  # a session's; it has one as long as its unit lasts
_ENDED: Final = (AdminShutdownError, CrashShutdownError)  # the server's last words
_LOST: Final = (
    *_ENDED,
    *(PostgresConnectionError, InterfaceError, ConnectionError),
    AsyncAdapt_asyncpg_dbapi.Error,
)
_SILENT: Final = "The database does not answer; try again soon."
Ask = Callable[[str, Sequence[Any]], Awaitable[Sequence[Record]]]
"""Puts a statement and its values to the database, as :func:`ask` does."""


async def driver_of(session: AsyncSession) -> Connection[Record]:
    """Return the asyncpg connection that a session works on."""
    found = session.info.get(_CACHED)
    if found is None:
        pooled = await (await session.connection()).get_raw_connection()
        found = session.info[_CACHED] = pooled.driver_connection
    assert isinstance(found, Connection)
    return found


async def look(session: AsyncSession, sql: str, *values: Any) -> list[Record]:
    """Return the rows of a query that changes nothing, or above workspaces of any one statement;
    JSON comes decoded, as SQLAlchemy sets the driver up.

    In the session's transaction where it has one. Else the query stands by itself, on a connection
    borrowed for it, one round trip instead of three. Raises ``ServiceUnavailable`` when the
    database went away.
    """
    if session.in_transaction():
        return await fetch(session, sql, *values)
    workspace_id = session.info.get(WORKSPACE)
    if workspace_id is not None:
        sql, values = inside(sql, len(values)), (*values, workspace_id)
    return await _alone(session.get_bind().engine, sql, values)


async def fetch(session: AsyncSession, sql: str, *values: Any) -> list[Record]:
    """Return the rows of a statement in the session's transaction, which is begun if it was not.

    Raises ``ServiceUnavailable`` when the database went away.
    """
    driver = await driver_of(session)
    try:
        await begin(session)
        return await driver.fetch(sql, *values)
    except _LOST as error:
        if not _is_lost(driver, error):
            raise
        await session.invalidate()
        raise ServiceUnavailable(_SILENT) from error


async def ask(engine: AsyncEngine, sql: str, values: Sequence[Any]) -> list[Record]:
    """Put a statement that stands by itself, above workspaces, committed when it returns.

    Raises ``ServiceUnavailable`` when the database went away or has no connection free.
    """
    with explained():
        return await _alone(engine.sync_engine, sql, values)


class Line:
    """One connection, kept, for statements by themselves that come one after the other."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self._pooled: Any = None
        self._asked = 0.0

    async def ask(self, sql: str, values: Sequence[Any]) -> list[Record]:
        """Put a statement above workspaces, committed when it returns; one at a time.

        Raises ``ServiceUnavailable`` when the database went away.
        """
        with explained():
            driver = await self._driver()
            try:
                found: list[Record] = await driver.fetch(sql, *values)
            except _LOST as error:
                if not _is_lost(driver, error):
                    raise
                self.drop()
                raise ServiceUnavailable(_SILENT) from error
            except asyncio.CancelledError:
                self.drop()  # its answer may still come
                raise
            self._asked = time.monotonic()
            return found

    async def _driver(self) -> Any:
        """Return the connection; one that rested is asked whether it lives, as pools do."""
        if (
            self._pooled is not None
            and time.monotonic() - self._asked > connections.TRUSTED_SECONDS
        ):
            try:
                await self._pooled.driver_connection.fetch("SELECT 1")
            except (*_LOST, InternalClientError):  # the latter in the middle of its end
                self.drop()
        if self._pooled is None or self._pooled.driver_connection.is_closed():
            self.drop()
            self._pooled = await greenlet_spawn(self._engine.raw_connection)
        return self._pooled.driver_connection

    def drop(self) -> None:
        """End the connection; the next statement opens another."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None:
            pooled.invalidate()
            pooled.close()


async def begin(session: AsyncSession) -> Connection[Record]:
    """Begin the session's transaction unless it has begun, and return its connection."""
    driver = await driver_of(session)
    if not (driver.is_in_transaction() or driver.is_closed()):
        # What SQLAlchemy itself does before the first statement of its own.
        pooled: Any = await (await session.connection()).get_raw_connection()
        await pooled.dbapi_connection._start_transaction()
    return driver


async def _alone(engine: Engine, sql: str, values: Sequence[Any]) -> list[Record]:
    """Put a statement on a connection borrowed for it alone."""
    pooled = await greenlet_spawn(engine.raw_connection)
    driver: Any = pooled.driver_connection
    try:
        found: list[Record] = await driver.fetch(sql, *values)
    except _LOST as error:
        if not _is_lost(driver, error):
            raise  # it is our own mistake, such as a value too many
        pooled.invalidate()
        raise ServiceUnavailable(_SILENT) from error
    finally:
        pooled.close()
    return found


def _is_lost(driver: Any, error: Exception) -> bool:
    return driver.is_closed() or isinstance(error, _ENDED)

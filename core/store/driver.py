"""The driver itself, for queries on hot paths, which then cost a tenth of a session's own.

Statements are written with ``$1`` and so on, prepared once a connection, and run in the session's
transaction. Reading above workspaces begins none: there each query stands by itself.
"""

from __future__ import annotations

import re
from typing import Any, Final

from asyncpg import (
    AdminShutdownError,
    Connection,
    CrashShutdownError,
    InterfaceError,
    PostgresConnectionError,
    Record,
)
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import ServiceUnavailable
from core.store.walls import WORKSPACE

_CACHED: Final = "driver connection"  # a session's; it has one as long as its unit lasts
_ENDED: Final = (AdminShutdownError, CrashShutdownError)  # the server's last words
_LOST: Final = (
    *_ENDED,
    *(PostgresConnectionError, InterfaceError, ConnectionError),
    AsyncAdapt_asyncpg_dbapi.Error,
)
_DIALECT: Final = PGDialect_asyncpg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NUMBER: Final = re.compile(r"\$(\d+)")


async def driver_of(session: AsyncSession) -> Connection[Record]:
    """Return the asyncpg connection that a session works on."""
    found = session.info.get(_CACHED)
    if found is None:
        pooled = await (await session.connection()).get_raw_connection()
        found = session.info[_CACHED] = pooled.driver_connection
    assert isinstance(found, Connection)
    return found


async def fetch(session: AsyncSession, sql: str, *values: Any) -> list[Record]:
    """Return the rows of a query; JSON comes decoded, as SQLAlchemy sets the driver up.

    Raises ``ServiceUnavailable`` when the database went away.
    """
    return await _run(session, WORKSPACE in session.info, sql, values)


async def execute(session: AsyncSession, sql: str, *values: Any) -> list[Record]:
    """Write, in the session's transaction, which is begun if it was not; return what comes back."""
    return await _run(session, True, sql, values)


async def begin(session: AsyncSession) -> Connection[Record]:
    """Begin the session's transaction unless it has begun, and return its connection."""
    driver = await driver_of(session)
    if not (driver.is_in_transaction() or driver.is_closed()):
        # What SQLAlchemy itself does before the first statement of its own.
        pooled: Any = await (await session.connection()).get_raw_connection()
        await pooled.dbapi_connection._start_transaction()
    return driver


async def _run(
    session: AsyncSession, in_transaction: bool, sql: str, values: tuple[Any, ...]
) -> list[Record]:
    driver = await driver_of(session)
    try:
        if in_transaction:
            await begin(session)
        return await driver.fetch(sql, *values)
    except _LOST as error:
        if not (driver.is_closed() or isinstance(error, _ENDED)):
            raise  # it is our own mistake, such as a value too many
        await session.invalidate()
        raise ServiceUnavailable("The database does not answer; try again soon.") from error


def rendered(query: Select[Any], first: int) -> tuple[str, list[Any]]:
    """Return a query as text whose values are numbered from ``first``, and the values."""
    compiled = query.compile(dialect=_DIALECT)
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    sql = _NUMBER.sub(lambda found: f"${int(found[1]) + first - 1}", compiled.string)
    return sql, values

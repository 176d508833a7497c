"""The driver itself, for queries on hot paths, which then cost a tenth of a session's own.

Statements are written with ``$1`` and so on, prepared once a connection, and run in the session's
transaction if it has begun one, else each by itself.
"""

from __future__ import annotations

import re
from typing import Any, Final

from asyncpg import Connection, InterfaceError, PostgresConnectionError, Record
from sqlalchemy import Select, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import ServiceUnavailable

_CACHED: Final = "driver connection"  # a session's; it has one as long as its unit lasts
_BEGUN: Final = "transaction begun"
_NOTHING: Final = text("SELECT 1")
_LOST: Final = (PostgresConnectionError, InterfaceError, ConnectionError)
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
    driver = await driver_of(session)
    try:
        return await driver.fetch(sql, *values)
    except _LOST as error:
        if not driver.is_closed():
            raise  # it is our own mistake, such as a value too many
        await session.invalidate()
        raise ServiceUnavailable("The database does not answer; try again soon.") from error


async def execute(session: AsyncSession, sql: str, *values: Any) -> list[Record]:
    """Write, in the session's transaction, which is begun if it was not; return what comes back."""
    if not session.info.get(_BEGUN):
        # SQLAlchemy begins it with the first statement of its own.
        await session.execute(_NOTHING)
        session.info[_BEGUN] = True
    return await fetch(session, sql, *values)


def rendered(query: Select[Any], first: int) -> tuple[str, list[Any]]:
    """Return a query as text whose values are numbered from ``first``, and the values."""
    compiled = query.compile(dialect=_DIALECT)
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    sql = _NUMBER.sub(lambda found: f"${int(found[1]) + first - 1}", compiled.string)
    return sql, values

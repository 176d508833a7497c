"""Statements in PostgreSQL's own form, with ``$1`` and so on, through SQLAlchemy's connections.

JSON comes decoded and is given as text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import CursorResult, Row
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from core.store.explained import explained

Rows = Sequence[Row[*tuple[Any, ...]]]
Ask = Callable[[str, Sequence[Any]], Awaitable[Rows]]
"""Puts a statement and its values to the database, as :func:`ask` does."""


async def fetch(session: AsyncSession, sql: str, *values: Any) -> Rows:
    """Return the rows of a statement in the session's transaction, which is begun if it was not."""
    connection = await session.connection()
    return _rows(await connection.exec_driver_sql(sql, values))


async def look(session: AsyncSession, sql: str, *values: Any) -> Rows:
    """Return the rows of a statement in the session's transaction where it has one, else in one of
    its own: no connection is held between two of them."""
    if session.in_transaction():
        return await fetch(session, sql, *values)
    async with session.begin():
        return await fetch(session, sql, *values)


async def ask(engine: AsyncEngine, sql: str, values: Sequence[Any]) -> Rows:
    """Put a statement that stands by itself; ``engine`` commits each.

    Raises ``ServiceUnavailable`` when the database went away or has no connection free.
    """
    with explained():
        async with engine.connect() as connection:
            return _rows(await connection.exec_driver_sql(sql, tuple(values)))


def _rows(result: CursorResult[*tuple[Any, ...]]) -> Rows:
    return result.all() if result.returns_rows else []

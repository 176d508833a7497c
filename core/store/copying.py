"""Bulk writing into a table, inside the session's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import FromClause, Table
from sqlalchemy.ext.asyncio import AsyncSession

from core.store.driver import driver_of


async def copy_rows(
    session: AsyncSession,
    table: FromClause,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Write ``rows`` by PostgreSQL's COPY, ten times faster than inserting them.

    The session must have executed a statement before, which is what begins its transaction; a
    refused row raises asyncpg's own error.
    """
    if not session.in_transaction():
        raise RuntimeError("copy_rows needs a transaction: execute a statement first")
    assert isinstance(table, Table)
    driver = await driver_of(session)
    await driver.copy_records_to_table(table.name, records=rows, columns=columns)

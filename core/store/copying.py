"""Bulk writing into a table, inside the session's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import FromClause, Table
from sqlalchemy.ext.asyncio import AsyncSession

from core.store.driver import begin


async def copy_rows(
    session: AsyncSession,
    table: FromClause,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    """Write ``rows`` by PostgreSQL's COPY into a table without a wall, for COPY takes none.

    A refused row raises asyncpg's own error.
    """
    assert isinstance(table, Table)
    driver = await begin(session)
    await driver.copy_records_to_table(table.name, records=rows, columns=columns)

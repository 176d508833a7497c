"""Every sealed value that is stored: each column named ``sealed`` or ``sealed_…`` holds one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, select, tuple_, update

from core.store.base import Base, Repository

_BATCH = 200


def sealed_columns() -> Iterator[tuple[Table, str]]:
    """Yield the columns that hold sealed values, of all tables."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name == "sealed" or column.name.startswith("sealed_"):
                yield table, column.name


class SealedValues(Repository):
    async def reseal(
        self,
        table: Table,
        column: str,
        after: tuple[Any, ...] | None,
        reseal: Callable[[str], str | None],
    ) -> tuple[Any, ...] | None:
        """Put the next rows' values through ``reseal``, which returns None for those to leave.

        Rows are taken by primary key; returns the last one's, None after the end.
        """
        key = list(table.primary_key.columns)
        query = select(*key, table.c[column]).where(table.c[column].is_not(None))
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = await self._session.execute(query.order_by(*key).limit(_BATCH).with_for_update())

        def new(value: str) -> dict[str, Any]:
            # Nobody changed the row: what says when it was changed stays.
            stays = {"updated_at": table.c.updated_at} if "updated_at" in table.c else {}
            return {column: value, **stays}

        last = None
        for row in rows.all():
            last = tuple(row[:-1])
            value = reseal(row[-1])
            if value is not None:
                same: list[ColumnElement[bool]] = [c == v for c, v in zip(key, last, strict=True)]
                await self._session.execute(update(table).where(*same).values(new(value)))
        return last

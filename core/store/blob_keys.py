"""Which blobs are named by any row: every column named ``…_key`` of ours may name one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, String, Table, select

from core.store.base import Base, Repository


def _columns() -> Iterator[tuple[Table, ColumnElement[str]]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_key") and isinstance(column.type, String):
                yield table, column


class BlobKeys(Repository):
    async def unnamed(self, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that no row of any workspace names."""
        left = set(keys)
        for _, column in _columns():
            named = await self._session.scalars(select(column).where(column.in_(left)))
            left -= set(named)
        return [key for key in keys if key in left]

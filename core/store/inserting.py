"""New rows of several tables written by one statement: one round trip, all or none."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from core.store.base import Base
from core.store.driver import fetch


async def insert_rows(session: AsyncSession, *rows: Base) -> None:
    """Insert rows in the order of their references, in the session's transaction.

    The objects stay outside the session; values that the database sets are not read back.
    """
    filled = [_filled(row) for row in rows]
    shapes = zip((row.__table__ for row in rows), map(tuple, filled), strict=True)
    sql = _statement(tuple(shapes))
    await fetch(session, sql, *(value for found in filled for value in found.values()))


def insertion(row: Base) -> tuple[str, list[Any]]:
    """Return the statement that inserts a row, as text whose values are numbered from 1, and the
    values; defaults are set on the row."""
    filled = _filled(row)
    return _statement(((row.__table__, tuple(filled)),)), list(filled.values())


def _filled(row: Base) -> dict[str, Any]:
    """Return the values of the columns that have one, given or by default."""
    found = {}
    for name, attribute in row.__mapper__.column_attrs.items():
        column = attribute.columns[0]
        value = row.__dict__.get(name)
        if value is None and column.default is not None:
            value = column.default.arg(None) if column.default.is_callable else column.default.arg
            setattr(row, name, value)
        is_json = isinstance(column.type, JSONB)
        if value is not None or (is_json and not column.nullable):  # then JSON's own null
            found[column.name] = json.dumps(value) if is_json else value
    return found


@lru_cache(maxsize=64)
def _statement(tables: tuple[tuple[Table, tuple[str, ...]], ...]) -> str:
    """Return the statement; all but the last insertion stand before it, as named parts."""
    inserts, number = [], 1
    for table, columns in tables:
        places = ", ".join(f"${at}" for at in range(number, number + len(columns)))
        number += len(columns)
        names = ", ".join(f'"{name}"' for name in columns)
        inserts.append(f"INSERT INTO {table.name} ({names}) VALUES ({places})")  # noqa: S608
    *parts, last = inserts
    named = ", ".join(f"part{at} AS ({part})" for at, part in enumerate(parts))
    return f"WITH {named} {last}" if parts else last

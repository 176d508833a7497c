"""Rows of tables as statements of the driver: new ones, changes of one, and what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from asyncpg import Record
from sqlalchemy import ColumnElement, FromClause, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached

from core.store.base import Base
from core.store.driver import fetch

R = TypeVar("R", bound=Base)


class Changes(NamedTuple):
    """The part of an UPDATE after SET, its values numbered, and those values."""

    sql: str
    values: list[Any]


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


def changes(table: FromClause, values: Mapping[str, Any], first: int) -> Changes:
    """Return the changes of columns to ``values``, numbered from ``first``."""
    names = ", ".join(f'"{name}" = ${first + at}' for at, name in enumerate(values))
    return Changes(names, [_encoded(table.c[name], value) for name, value in values.items()])


def loaded(kind: type[R], record: Record) -> R:
    """Return a row that the driver read whole, as one that was loaded and left its session.

    Columns that are loaded late are left out: reading one is an error.
    """
    row = kind(**{name: record[column] for name, column in _read_at_once(kind)})
    make_transient_to_detached(row)
    return row


@lru_cache
def _read_at_once(kind: type[Base]) -> list[tuple[str, str]]:
    attributes = kind.__mapper__.column_attrs
    return [(each.key, each.columns[0].name) for each in attributes if not each.deferred]


def _encoded(column: ColumnElement[Any], value: Any) -> Any:
    """Return a value as the driver takes it."""
    is_json = isinstance(column.type, JSONB) and value is not None
    return json.dumps(value) if is_json else value


def set_defaults(row: Base) -> None:
    """Set what is missing on a new row and has a default of ours."""
    for name, default in _defaults(type(row)):
        if row.__dict__.get(name) is None:
            setattr(row, name, default.arg(None) if default.is_callable else default.arg)


@lru_cache
def _defaults(kind: type[Base]) -> list[tuple[str, Any]]:
    columns = ((name, each.columns[0]) for name, each in kind.__mapper__.column_attrs.items())
    return [(name, column.default) for name, column in columns if column.default is not None]


def _filled(row: Base) -> dict[str, Any]:
    """Return the values of the columns that have one, given or by default."""
    set_defaults(row)
    found = {}
    for name, attribute in row.__mapper__.column_attrs.items():
        column = attribute.columns[0]
        value = row.__dict__.get(name)
        if value is not None:
            found[column.name] = _encoded(column, value)
        elif isinstance(column.type, JSONB) and not column.nullable:
            found[column.name] = "null"  # JSON's own
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

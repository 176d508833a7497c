"""Keyset pages: stable while rows come and go, and as quick on the last page as on the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, and_, or_, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from core.errors import ValidationFailed

_OTHER_ORDER: Final = "This cursor belongs to a list in another order; begin without it."
_FLOAT_BOUND: Final = 1e300
Row = TypeVar("Row")
Value = str | int | float | None
Order = tuple[InstrumentedAttribute[Any], InstrumentedAttribute[str]]


@dataclass(frozen=True)
class Position:
    """The last row of a page: the value it is sorted by, its id, and the order of its list."""

    value: Value
    id: str
    order: str = ""


@dataclass(frozen=True)
class PageRequest:
    """Which rows of a list are wanted, in the list's own order unless ``sort_by`` names a column.

    ``sort_by`` is an attribute's name, and has been checked: it never comes as it was sent.
    """

    limit: int
    after: Position | None = None
    sort_by: str | None = None
    is_descending: bool | None = None


@dataclass(frozen=True)
class RowsPage(Generic[Row]):
    """One page of rows; ``next`` is empty on the last."""

    rows: Sequence[Row]
    next: Position | None


async def read_page(
    session: AsyncSession,
    statement: Select[Row],
    order: Order,
    request: PageRequest,
    *,
    descending: bool = True,
) -> RowsPage[Row]:
    """Return the requested rows, ordered by a column and, within it, by the id; nulls come last.

    ``order`` and ``descending`` are the list's own order. Without a direction, a text that is
    asked for ascends, and times and numbers descend.

    Raises ``ValidationFailed`` when the position belongs to another order.
    """
    column, row_id = order
    if request.sort_by is not None:
        column = getattr(row_id.class_, request.sort_by)
        descending = column.type.python_type is not str
    if request.is_descending is not None:
        descending = request.is_descending
    name = order_name(column.key, descending)
    if request.after is not None:
        statement = statement.where(_is_after(column, row_id, request.after, descending))
    columns = [part.desc() if descending else part.asc() for part in (column, row_id)]
    if column.nullable:
        columns[0] = columns[0].nulls_last()
    result = await session.scalars(statement.order_by(*columns).limit(request.limit + 1))
    found: list[Row] = list(result.all())
    rows = found[: request.limit]
    last = _position(rows[-1], column, row_id, name) if len(found) > request.limit else None
    return RowsPage(rows, last)


def order_name(column: str, descending: bool) -> str:
    """Return the name of an order, which a position carries."""
    return f"{column} {'desc' if descending else 'asc'}"


def position_of(created_at: datetime, row_id: str) -> Position:
    """Return the place of a row in a list by creation."""
    return Position(created_at.isoformat(), row_id, order_name("created_at", descending=True))


def moment_of(position: Position) -> datetime:
    """Return the creation that a list by creation goes on after.

    Raises ``ValidationFailed`` when the position belongs to another order.
    """
    _require_order(position, order_name("created_at", descending=True))
    return _time(position.value)


def _is_after(
    column: InstrumentedAttribute[Any],
    row_id: InstrumentedAttribute[str],
    position: Position,
    descending: bool,
) -> ColumnElement[bool]:
    _require_order(position, order_name(column.key, descending))
    if position.value is None and column.nullable:
        is_later = row_id < position.id if descending else row_id > position.id
        return and_(column.is_(None), is_later)
    here = tuple_(column, row_id)
    there = tuple_(_typed(column, position.value), position.id)
    later = here < there if descending else here > there
    return or_(later, column.is_(None)) if column.nullable else later


def _require_order(position: Position, name: str) -> None:
    if position.order != name:
        raise ValidationFailed(_OTHER_ORDER)


def _position(
    row: Any, column: InstrumentedAttribute[Any], row_id: InstrumentedAttribute[str], name: str
) -> Position:
    value = getattr(row, column.key)
    plain = value.isoformat() if isinstance(value, datetime) else value
    return Position(plain, getattr(row, row_id.key), name)


def _typed(column: InstrumentedAttribute[Any], value: Value) -> object:
    """Return a position's value as the column's type; a cursor may have been made up."""
    kind = column.type.python_type
    if kind is datetime:
        return _time(value)
    if kind is int and isinstance(value, int):
        bits = 63 if isinstance(column.type, BigInteger) else 31
        if -(1 << bits) <= value < 1 << bits:
            return value
    if kind is float and isinstance(value, int | float) and abs(value) < _FLOAT_BOUND:
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    raise ValidationFailed(_OTHER_ORDER)


def _time(value: Value) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationFailed(_OTHER_ORDER)
    return moment

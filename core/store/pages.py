"""Keyset pages: stable while rows come and go, and as quick on the last page as on the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from core.errors import ValidationFailed

_OTHER_ORDER: Final = "This cursor belongs to a list in another order."
Row = TypeVar("Row")
Order = tuple[InstrumentedAttribute[Any], InstrumentedAttribute[str]]


@dataclass(frozen=True)
class Position:
    """The last row of a page: the value it is sorted by, and its id."""

    value: str
    id: str


@dataclass(frozen=True)
class RowsPage(Generic[Row]):
    """One page of rows; ``next`` is empty on the last."""

    rows: Sequence[Row]
    next: Position | None


async def read_page(
    session: AsyncSession,
    statement: Select[Row],
    order: Order,
    after: Position | None,
    limit: int,
    *,
    descending: bool = True,
) -> RowsPage[Row]:
    """Return ``limit`` rows after a position, ordered by a column and, within it, by the id.

    Raises ``ValidationFailed`` when the position belongs to another order.
    """
    column, row_id = order
    if after is not None:
        here = tuple_(column, row_id)
        there = tuple_(_typed(column, after.value), after.id)
        statement = statement.where(here < there if descending else here > there)
    directions = [part.desc() if descending else part.asc() for part in order]
    result = await session.scalars(statement.order_by(*directions).limit(limit + 1))
    found: list[Row] = list(result.all())
    rows = found[:limit]
    return RowsPage(rows, _position(rows[-1], order) if len(found) > limit else None)


def position_of(created_at: datetime, row_id: str) -> Position:
    """Return the place of a row in a list by creation."""
    return Position(created_at.isoformat(), row_id)


def moment_of(position: Position) -> datetime:
    """Return the creation that a list by creation goes on after.

    Raises ``ValidationFailed`` when the position belongs to another order.
    """
    try:
        return datetime.fromisoformat(position.value)
    except ValueError as error:
        raise ValidationFailed(_OTHER_ORDER) from error


def _position(row: Any, order: Order) -> Position:
    value = getattr(row, order[0].key)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return Position(text, getattr(row, order[1].key))


def _typed(column: InstrumentedAttribute[Any], value: str) -> object:
    kind = column.type.python_type
    if kind is str:
        return value
    try:
        return int(value) if kind is int else datetime.fromisoformat(value)
    except ValueError as error:
        raise ValidationFailed(_OTHER_ORDER) from error

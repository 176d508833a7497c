"""Lists on the wire: ``{data, nextCursor}``, with ``limit``, an opaque ``cursor``, and an order."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, Literal, TypeVar

import typing_extensions
from pydantic import Field
from pydantic.alias_generators import to_snake

from api.reading import refuse_unstorable
from api.wire import Wire
from core.errors import ValidationFailed
from core.store.pages import PageRequest, Position, order_name

T = TypeVar("T")
Column = typing_extensions.TypeVar("Column", bound=str, default=Literal["createdAt"])
SortOrder = Literal["asc", "desc"]
_NOT_OURS: Final = "This cursor is not one of ours: take nextCursor of the page before as it is."


class SortQuery(Wire, Generic[Column]):
    """How a list is ordered; ``Column`` is a literal of the names that it can be ordered by.

    Without ``sortOrder`` texts ascend, times and numbers descend.
    """

    sort_by: Column | None = None
    sort_order: SortOrder | None = None

    @property
    def column(self) -> str | None:
        """The attribute that the rows are sorted by; none: the list's own order."""
        return to_snake(self.sort_by) if self.sort_by else None

    @property
    def is_descending(self) -> bool | None:
        return self.sort_order == "desc" if self.sort_order else None


class PageQuery(SortQuery[Column], Generic[Column]):
    """What every list takes; a list with filters inherits from it."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None

    def request(self) -> PageRequest:
        """Return which rows are wanted; raises ``ValidationFailed`` for a made-up cursor."""
        after = _decode(self.cursor) if self.cursor else None
        return PageRequest(self.limit, after, self.column, self.is_descending)


class WholeQuery(SortQuery[Column], Generic[Column]):
    """What a short list takes: it comes whole unless ``limit`` is sent."""

    limit: int | None = Field(None, ge=1, le=200)
    cursor: str | None = None


class Page(Wire, Generic[T]):
    """One page; ``nextCursor`` is null on the last one."""

    data: list[T]
    next_cursor: str | None = None


def part_of(items: Sequence[T], query: WholeQuery[Column]) -> tuple[Sequence[T], str | None]:
    """Return the asked part of a list, sorted as asked, and the cursor of the next part."""
    items, order = _sorted(items, query)
    begun = _decode(query.cursor) if query.cursor else Position(0, "", order)
    first = begun.value
    if not isinstance(first, int) or first < 0 or begun.order != order:
        raise _not_ours()
    end = len(items) if query.limit is None else first + query.limit
    next_part = cursor_of(Position(end, "", order)) if end < len(items) else None
    return items[first:end], next_part


def cursor_of(position: Position | None) -> str | None:
    """Return the opaque form of where the next page begins."""
    if position is None:
        return None
    plain = json.dumps([position.value, position.id, position.order]).encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _sorted(items: Sequence[T], query: WholeQuery[Column]) -> tuple[Sequence[T], str]:
    """Return items in the order that is asked for, nulls last, and the order's name."""
    if query.column is None:
        is_reversed = bool(query.is_descending)
        return items[::-1] if is_reversed else items, order_name("", is_reversed)
    known = [(_value(item, query.column), item) for item in items]
    filled = [pair for pair in known if pair[0] is not None]
    descending = query.is_descending
    if descending is None:
        descending = bool(filled) and not isinstance(filled[0][0], str)
    filled.sort(key=lambda pair: pair[0], reverse=descending)
    empty = [item for value, item in known if value is None]
    return [item for _, item in filled] + empty, order_name(query.column, descending)


def _value(item: object, column: str) -> Any:
    return item[column] if isinstance(item, Mapping) else getattr(item, column)


def _decode(cursor: str) -> Position:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value, row_id, order = json.loads(base64.urlsafe_b64decode(padded.encode()))
    except (binascii.Error, ValueError, TypeError) as error:
        raise _not_ours() from error
    is_value = value is None or isinstance(value, str | int | float)
    if not is_value or not isinstance(row_id, str) or not isinstance(order, str):
        raise _not_ours()
    refuse_unstorable([value, row_id])
    return Position(value, row_id, order)


def _not_ours() -> ValidationFailed:
    return ValidationFailed.at("cursor", "not a cursor", "invalid_cursor", sentence=_NOT_OURS)

"""Lists on the wire: ``{data, nextCursor}``, with ``limit`` and an opaque ``cursor``."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Generic, TypeVar

from pydantic import Field

from api.wire import Wire
from core.errors import ValidationFailed
from core.store.pages import Position

T = TypeVar("T")


class PageQuery(Wire):
    """What every list takes; a list with filters inherits from it."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None

    def position(self) -> Position | None:
        """Return where the page begins; raises ``ValidationFailed`` for a made-up cursor."""
        return _decode(self.cursor) if self.cursor else None


class Page(Wire, Generic[T]):
    """One page; ``nextCursor`` is null on the last one."""

    data: list[T]
    next_cursor: str | None = None


def cursor_of(position: Position | None) -> str | None:
    """Return the opaque form of where the next page begins."""
    if position is None:
        return None
    plain = json.dumps([position.value, position.id]).encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decode(cursor: str) -> Position:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value, row_id = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if isinstance(value, str) and isinstance(row_id, str):
            return Position(value, row_id)
    except (binascii.Error, ValueError, TypeError):
        pass
    said = "This cursor is not one of ours: take nextCursor of the page before as it is."
    raise ValidationFailed.at("cursor", "not a cursor", "invalid_cursor", sentence=said)

"""Filters of a search: JSON from outside, compiled to conditions with bound values.

A filter is ``{"and": […]}``, ``{"or": […]}``, ``{"not": …}`` or conditions on fields, all of
which must hold: ``{"year": {"gte": 2022}}``, ``{"year": 2022}``, or spelled out
``{"field": "year", "op": "gte", "value": 2022}`` (``operator`` is ``op``). Fields are
``documentId fileName mimeType page createdAt``; any other name is a key of the metadata, ``a.b`` a
nested one, ``metadata.page`` one that bears the name of a field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, case, cast, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.errors import ValidationFailed
from core.store.base import is_one_of
from core.store.chunks import Chunk
from core.store.documents import Document

_DEEPEST: Final = 8
_MOST_CONDITIONS: Final = 100
_COMPARE: Final[dict[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}
_OPERATORS: Final = ("eq", "ne", "in", "nin", *_COMPARE, "contains")
_COLUMNS: Final[dict[str, tuple[Any, type]]] = {
    "documentId": (Document.id, str),
    "fileName": (Document.name, str),
    "mimeType": (Document.mime_type, str),
    "page": (Chunk.page, int),
    "createdAt": (Document.created_at, datetime),
}

# The chunk's own on top, as both put together would be, which takes longer a chunk.
_BOTH: Final = (Chunk.meta, Document.meta)
_OF_DOCUMENTS: Final = (Document.meta,)


@dataclass(frozen=True)
class Filter:
    """A condition on chunks joined with their documents.

    ``of_documents`` is the same for chunks without metadata of their own, and can be asked of
    documents alone; None where pages are asked for, which only chunks have.
    """

    clause: ColumnElement[bool]
    of_documents: ColumnElement[bool] | None


def parse_filter(raw: Any) -> Filter:
    """Compile a filter; raises :class:`ValidationFailed` naming the path of what is wrong."""
    try:
        plain = json.dumps(raw, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise _wrong("filter", "Numbers must be finite, text valid Unicode.") from None
    if b"\\u0000" in plain:
        raise _wrong("filter", "Text cannot hold the character U+0000.")
    whole, of_documents = _Compiler(_BOTH), _Compiler(_OF_DOCUMENTS)
    clauses = [compiler.any(raw, "filter", 0) for compiler in (whole, of_documents)]
    return Filter(clauses[0], None if of_documents.asks_for_pages else clauses[1])


class _Compiler:
    def __init__(self, metadata: Sequence[Any]) -> None:
        """``metadata`` are the columns where a key is sought, the first that has it counting."""
        self._metadata = metadata
        self._conditions = 0
        self.asks_for_pages = False

    def any(self, raw: Any, path: str, depth: int) -> ColumnElement[bool]:
        if depth > _DEEPEST:
            raise _wrong(path, f"Filters nest at most {_DEEPEST} deep; flatten this one.")
        if not isinstance(raw, Mapping) or not raw:
            raise _wrong(path, 'Give an object such as {"year": {"gte": 2022}} or {"and": […]}.')
        if "field" in raw and ("op" in raw or "operator" in raw):
            return self._spelled_out(raw, path)
        return and_(*(self._entry(key, value, path, depth) for key, value in raw.items()))

    def _entry(self, key: str, value: Any, path: str, depth: int) -> ColumnElement[bool]:
        place = f"{path}.{key}"
        name = key.removeprefix("$").lower()
        if name == "not":
            return not_(func.coalesce(self.any(value, place, depth + 1), False))
        if name in ("and", "or"):
            if not isinstance(value, list) or not value:
                raise _wrong(place, "Give a list of one or more filters.")
            parts = [self.any(part, f"{place}[{i}]", depth + 1) for i, part in enumerate(value)]
            return and_(*parts) if name == "and" else or_(*parts)
        if isinstance(value, Mapping):
            if not value:
                raise _wrong(place, f"Give an operator: {' '.join(_OPERATORS)}.")
            return and_(*(self._condition(key, op, v, place) for op, v in value.items()))
        return self._condition(key, "eq", value, place)

    def _spelled_out(self, raw: Mapping[str, Any], path: str) -> ColumnElement[bool]:
        unknown = set(raw) - {"field", "op", "operator", "value"}
        if unknown or "value" not in raw or not isinstance(raw["field"], str):
            raise _wrong(path, "A condition has field, op and value, and nothing else.")
        return self._condition(raw["field"], raw.get("op", raw.get("operator")), raw["value"], path)

    def _condition(self, field: str, operator: Any, value: Any, path: str) -> ColumnElement[bool]:
        self._conditions += 1
        if self._conditions > _MOST_CONDITIONS:
            raise _wrong(path, f"A filter has at most {_MOST_CONDITIONS} conditions; use `in`.")
        op = operator.removeprefix("$") if isinstance(operator, str) else operator
        if op not in _OPERATORS:
            raise _wrong(path, f"Unknown operator {operator!r}; use {' '.join(_OPERATORS)}.")
        if op in ("in", "nin") and not isinstance(value, list):
            raise _wrong(path, f"{op} takes a list of values.")
        if field in _COLUMNS:
            self.asks_for_pages = self.asks_for_pages or field == "page"
            return _on_column(field, op, value, path)
        return _on_metadata(self._metadata, field.removeprefix("metadata."), op, value, path)


def _on_column(field: str, op: str, value: Any, path: str) -> ColumnElement[bool]:
    column, kind = _COLUMNS[field]
    if op in ("in", "nin"):
        values = [_typed(item, kind, f"{path}[{i}]") for i, item in enumerate(value)]
        found = is_one_of(column, values)
        return found if op == "in" else not_(func.coalesce(found, False))
    if op == "contains":
        if kind is not str or not isinstance(value, str):
            raise _wrong(path, "contains asks text of a text field.")
        return _holds_text(column, value)
    typed = _typed(value, kind, path)
    if typed is None and op in _COMPARE:
        raise _wrong(path, f"{op} compares with a value; ask for null by eq or ne.")
    if op == "eq":
        same: ColumnElement[bool] = column.is_not_distinct_from(typed)
        return same
    return column.is_distinct_from(typed) if op == "ne" else _COMPARE[op](column, typed)


def _on_metadata(
    columns: Sequence[Any], field: str, op: str, value: Any, path: str
) -> ColumnElement[bool]:
    key, *deeper = field.split(".")
    values = (meta.op("->", return_type=JSONB)(key) for meta in columns)
    found: ColumnElement[Any] = func.coalesce(*values, type_=JSONB)
    if deeper:
        found = func.jsonb_extract_path(found, *deeper, type_=JSONB)
    if op in ("in", "nin"):
        inside = _is_among(found, value)
        return inside if op == "in" else not_(inside)
    if op in ("eq", "ne"):
        same = _is_json(found, value)
        return same if op == "eq" else not_(same)
    kind = func.jsonb_typeof(found)
    if op == "contains":
        plain = found.op("#>>", return_type=String())(literal([], ARRAY(String)))
        return case(
            (kind == "array", found.contains(_json([value]))),
            (kind == "string", _holds_text(plain, value) if isinstance(value, str) else False),
            else_=False,
        )
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong(path, f"{op} compares numbers or text.")
    wanted = "string" if isinstance(value, str) else "number"
    return and_(kind == wanted, _COMPARE[op](found, _json(value)))


def _is_json(found: Any, value: Any) -> ColumnElement[bool]:
    """Null matches a missing key and a null alike."""
    if value is None:
        return func.coalesce(found, _json(None)) == _json(None)
    return func.coalesce(found == _json(value), False)


def _is_among(found: Any, values: list[Any]) -> ColumnElement[bool]:
    """As :func:`_is_json`, of any of the values: one value to bind, looked up by its hash."""
    items = func.jsonb_array_elements(_json(values)).table_valued("value")
    among: ColumnElement[bool] = func.coalesce(found, _json(None)).in_(select(items.c.value))
    return among


def _json(value: Any) -> ColumnElement[Any]:
    return cast(literal(json.dumps(value, allow_nan=False), String), JSONB)


def _holds_text(column: Any, value: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(column), func.lower(literal(value, String))) > 0


def _typed(value: Any, kind: type, path: str) -> Any:
    if value is None:
        return None
    if kind is datetime:
        return _instant(value, path)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(path, f"Give {'text' if kind is str else 'a whole number'}.")
    if isinstance(value, int) and abs(value) > 2**31 - 1:
        raise _wrong(path, "This number is larger than any page.")
    return value


def _instant(value: Any, path: str) -> datetime:
    if not isinstance(value, str):
        raise _wrong(path, "Give a time such as 2026-05-01T12:00:00Z.")
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _wrong(path, "Give a time such as 2026-05-01T12:00:00Z.") from None


def _wrong(path: str, message: str) -> ValidationFailed:
    return ValidationFailed.at(path, message, "invalid_filter", sentence=f"{path}: {message}")

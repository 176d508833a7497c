"""Metadata filters in Haystack's notation, compiled to conditions on chunks with bound values.

A comparison has ``field``, ``operator`` and ``value``, a logical condition ``operator`` and
``conditions``; ``NOT`` negates all of its conditions together. The condition holds on chunks that
are joined with their documents and outer-joined with their rows of ``external_chunks``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from core.errors import ValidationFailed
from core.store.chunks import Chunk
from core.store.documents import Document
from core.store.external_chunks import ExternalChunk

_MAX_DEPTH: Final = 32
_MAX_CONDITIONS: Final = 1_000
_ORDERINGS: Final = (">", ">=", "<", "<=")
_OPERATORS: Final = ("==", "!=", *_ORDERINGS, "in", "not in")
_LOGICAL_OPERATORS: Final = ("AND", "OR", "NOT")

ChunkFilter = ColumnElement[bool]

CHUNK_ID: Final = func.coalesce(ExternalChunk.external_id, Chunk.id)
_IS_INGESTED: Final = ExternalChunk.external_id.is_(None)
# What the service says of chunks that it read from a file itself.
_PROVENANCE: Final[dict[str, Any]] = {
    "documentId": Document.id,
    "documentName": Document.name,
    "page": Chunk.page,
}
METADATA: Final = case(
    (
        _IS_INGESTED,
        Document.meta.op("||", return_type=JSONB)(Chunk.meta).op("||", return_type=JSONB)(
            func.jsonb_build_object(
                *(part for name, column in _PROVENANCE.items() for part in (name, column))
            )
        ),
    ),
    else_=Document.meta.op("||", return_type=JSONB)(Chunk.meta),
)


def compile_filter(raw: Any) -> ChunkFilter:
    """Compile a filter; raises :class:`ValidationFailed` for one that Haystack does not know."""
    return _compile(raw, 0, count(1))


def _compile(raw: Any, depth: int, numbers: Iterator[int]) -> ChunkFilter:
    if depth > _MAX_DEPTH:
        raise _invalid(f"Filters nest at most {_MAX_DEPTH} deep; flatten this one.")
    if next(numbers) > _MAX_CONDITIONS:
        raise _invalid(f"A filter has at most {_MAX_CONDITIONS} conditions; use the operator in.")
    if not isinstance(raw, Mapping):
        raise _invalid("A filter is an object with operator and conditions, or a comparison.")
    if "field" in raw:
        return _compile_comparison(raw)
    operator, conditions = _require(raw, "operator"), _require(raw, "conditions")
    if operator not in _LOGICAL_OPERATORS:
        raise _invalid(f"Unknown operator {operator!r}; use {' '.join(_LOGICAL_OPERATORS)}.")
    if not isinstance(conditions, list):
        raise _invalid("conditions must be a list of filters.")
    parts = [_compile(part, depth + 1, numbers) for part in conditions]
    if operator == "OR":
        return or_(false(), *parts)
    joined = and_(true(), *parts)
    return joined if operator == "AND" else not_(func.coalesce(joined, False))


def field_value(field: str) -> ColumnElement[Any]:
    """Return the JSON that a chunk has under a field, with or without ``meta.`` before it."""
    if field == "id":
        return func.to_jsonb(CHUNK_ID, type_=JSONB)
    if field == "content":
        return func.to_jsonb(Chunk.content, type_=JSONB)
    key, *nested = field.removeprefix("meta.").split(".")
    value: ColumnElement[Any] = func.coalesce(
        Chunk.meta.op("->", return_type=JSONB)(key),
        Document.meta.op("->", return_type=JSONB)(key),
        type_=JSONB,
    )
    if key in _PROVENANCE:
        provided = func.to_jsonb(_PROVENANCE[key], type_=JSONB)
        value = case((_IS_INGESTED, provided), else_=value)
    return func.jsonb_extract_path(value, *nested, type_=JSONB) if nested else value


def _compile_comparison(raw: Mapping[str, Any]) -> ChunkFilter:
    field, operator = raw["field"], _require(raw, "operator")
    value = _require(raw, "value")
    if not isinstance(field, str) or not field:
        raise _invalid("field must be the name of a field, such as meta.year.")
    if operator not in _OPERATORS:
        raise _invalid(f"Unknown operator {operator!r}; use {' '.join(_OPERATORS)}.")
    stored = field_value(field)
    if operator in _ORDERINGS:
        return _compile_ordering(stored, operator, value)
    present = func.coalesce(stored, _to_json(None))  # a missing field is a null one
    if operator in ("==", "!="):
        equal: ColumnElement[bool] = present == _to_json(value)
        return equal if operator == "==" else not_(equal)
    if not isinstance(value, list):
        raise _invalid(f"{operator} takes a list of values.")
    items = func.jsonb_array_elements(_to_json(value)).table_valued("value")
    among: ColumnElement[bool] = present.in_(select(items.c.value))
    return among if operator == "in" else not_(among)


def _compile_ordering(stored: Any, operator: str, value: Any) -> ChunkFilter:
    """Compare numbers with numbers and ISO dates with ISO dates; nothing compares with null."""
    if value is None:
        return false()
    if isinstance(value, str | datetime):
        bound = _to_json({"bound": _format_date(value)})
        path = f"$ ? (@.datetime() {operator} $bound.datetime())"
        return func.jsonb_path_exists_tz(stored, cast(literal(path), JSONPATH), bound, True)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"{operator} compares numbers and ISO dates.")
    number = case((func.jsonb_typeof(stored) == "number", stored), else_=null())
    compared: ColumnElement[bool] = number.op(operator, is_comparison=True)(_to_json(value))
    return compared


def _format_date(value: str | datetime) -> str:
    try:
        date = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (date.astimezone(UTC) if date.tzinfo else date).isoformat()
    except (ValueError, OverflowError):
        raise _invalid("Text is only ordered as an ISO date, such as 2026-05-01.") from None


def _to_json(value: Any) -> ColumnElement[Any]:
    try:
        text = json.dumps(value, allow_nan=False)
        json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise _invalid("A value must be JSON: finite numbers, valid Unicode.") from None
    if "\\u0000" in text:
        raise _invalid("Text cannot hold the character U+0000.")
    return cast(literal(text, String), JSONB)


def _require(raw: Mapping[str, Any], key: str) -> Any:
    if key not in raw:
        raise _invalid(f"The filter has no {key}; add it.")
    return raw[key]


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed.at("filters", message, "invalid_filter")

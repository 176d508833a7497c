"""Values in live events: small ones whole, large ones as a preview and where to read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from pydantic import JsonValue

from core.json_values import measure_json

MAX_VALUE_BYTES: Final = 64 * 1024
MAX_LOG_BYTES: Final = 8 * 1024**2  # of a run's values; after that only the smallest are whole
_MAX_LATE_BYTES: Final = 256
_PREVIEW_CHARS: Final = 1000
_PREVIEW_PARTS: Final = 500


def shorten(
    value: JsonValue, make_url: Callable[[], str], most: int = MAX_VALUE_BYTES
) -> tuple[JsonValue, int]:
    """Return a value as an event carries it, and about its bytes there."""
    size = measure_json(value, most)
    if size <= most:
        return value, size
    chars, url = min(_PREVIEW_CHARS, most), make_url()
    preview: JsonValue = {"isTruncated": True, "preview": _preview(value)[:chars], "url": url}
    return preview, chars + len(url)


def shorten_block_event(
    execution_id: str, event: dict[str, JsonValue], used_bytes: int
) -> tuple[dict[str, JsonValue], int]:
    """Return the event of a block that fits into a log, and the bytes of its values."""
    most = MAX_VALUE_BYTES if used_bytes < MAX_LOG_BYTES else _MAX_LATE_BYTES
    fitted, total = dict(event), 0

    def make_url() -> str:
        place = [(name, str(event[name])) for name in ("blockId", "iteration") if name in event]
        return f"/api/logs/{execution_id}/blocks?{urlencode(place)}"

    for name in ("input", "output"):
        if name in event:
            fitted[name], size = shorten(event[name], make_url, most)
            total += size
    return fitted, total


def is_shortened(value: JsonValue) -> bool:
    """Whether an event carries a preview instead of a value."""
    return isinstance(value, dict) and value.keys() == {"isTruncated", "preview", "url"}


def _preview(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    parts = json.JSONEncoder(ensure_ascii=False).iterencode(_cut(value))
    return "".join(islice(parts, _PREVIEW_PARTS))


def _cut(value: JsonValue) -> JsonValue:
    """Return a value with its first long texts cut, so that a preview is not made of one alone."""
    if isinstance(value, dict):
        return {key: _cut_text(item) for key, item in islice(value.items(), _PREVIEW_PARTS)}
    return value


def _cut_text(value: JsonValue) -> JsonValue:
    return value[:_PREVIEW_CHARS] if isinstance(value, str) else value

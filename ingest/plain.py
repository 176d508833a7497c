"""Text, JSON and comma-separated values, read without a parser's libraries."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

from ingest import calendar
from ingest.decode import decode
from ingest.document import Piece, Reading
from ingest.failures import CorruptDocument, DocumentTooComplex
from ingest.limits import Limits
from ingest.tables import markdown

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SEPARATOR = re.compile(r'"?sep=(.)"?\n', re.IGNORECASE)  # for Excel, and no row
_LONGEST_FIELD = 16 * 1024 * 1024
_DELIMITERS = ",;\t|"
_SNIFFED = 64 * 1024
_MOST_WRITTEN = 1024 * 1024  # characters of a file in JSON as lines,
_TIMES = 20  # or this for each that it has, whichever is more
_ENCODED = 256  # characters; a key or a checksum may be asked for
_BASE64 = re.compile(r"(?:data:[^,\s]{0,100},)?(?:[\w+/=-]{60,}+\s?+)++[\w+/=-]*+\s?", re.ASCII)
_SIGNS = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))


def read(data: bytes, kind: str, limits: Limits) -> Reading:
    """Return what a ``txt``, ``json``, ``csv`` or ``tsv`` file holds.

    Raises ``CorruptDocument`` for JSON that is none or is nested too deeply.
    """
    text = decode(data).replace("\x00", "\ufffd")
    if kind in ("csv", "tsv"):
        return Reading([Piece("table", table)] if (table := _table(text, kind)) else [])
    if kind == "json":
        told: list[str] = []
        return Reading(_json_pieces(text, limits, told), warnings=told)
    if (events := calendar.read(text)) is not None:
        return Reading(events)
    return Reading([Piece("text", p.strip("\n")) for p in _PARAGRAPH.split(text) if p.strip()])


def _table(text: str, kind: str) -> str:
    csv.field_size_limit(_LONGEST_FIELD)
    text = text.removeprefix("\ufeff")
    told = _SEPARATOR.match(text)
    delimiter = told[1] if told else "\t" if kind == "tsv" else _delimiter(text)
    text = text[told.end() :] if told else text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return markdown(reader)
    except csv.Error as error:
        raise CorruptDocument(
            f"The table cannot be read ({error}): export it again and upload the new file."
        ) from error


def _delimiter(text: str) -> str:
    """Return the delimiter that cuts the first rows into the same number of cells, most often."""
    lines = text[:_SNIFFED].splitlines()[:50]

    def regularity(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        return (widths.count(usual) if usual > 1 else 0, usual)

    return max(_DELIMITERS, key=regularity)


def _json_pieces(text: str, limits: Limits, told: list[str]) -> list[Piece]:
    too_deep = CorruptDocument(
        f"The JSON is nested more than {limits.max_depth} levels deep: flatten it."
    )
    try:
        value = json.loads(text.lstrip("\ufeff"))
        lines = _lines([value], len(text), limits, told)
    except RecursionError as error:
        raise too_deep from error
    except ValueError as error:
        return _json_lines(text, limits, told, error)
    return _grouped(lines)


def _json_lines(text: str, limits: Limits, told: list[str], error: ValueError) -> list[Piece]:
    """Read one value a line, as log files have them."""
    rows = [row for row in text.splitlines() if row.strip()]
    try:
        values = [json.loads(row) for row in rows]
    except ValueError:
        raise CorruptDocument(
            f"The file is not valid JSON ({error}): correct it and upload it again."
        ) from error
    return _grouped(_lines(values, len(text), limits, told))


def _lines(values: list[object], size: int, limits: Limits, told: list[str]) -> list[str]:
    """Return a line for each value that is no encoded picture or the like, and tell of those."""
    lines, left_out = list[str](), 0
    left = max(_MOST_WRITTEN, _TIMES * size)
    for path, value in (leaf for each in values for leaf in _leaves(each, "", limits.max_depth)):
        if isinstance(value, str) and _is_encoded(value):
            left_out += 1
        else:
            shown = value if isinstance(value, str) else json.dumps(value)
            lines.append(f"{path}: {shown}" if path else shown)
            left -= len(lines[-1])
            if left < 0:
                raise DocumentTooComplex(
                    "The JSON's keys are too long to be written with each value; shorten them."
                )
    if left_out:
        told.append(f"Values that are files in code, as pictures are, were left out: {left_out}.")
    return lines


def _is_encoded(value: str) -> bool:
    """Whether a value is bytes in base64 (RFC 4648): long, unbroken, and of all kinds of signs, as
    neither words are nor the letters of a genome."""
    is_long = len(value) >= _ENCODED and _BASE64.fullmatch(value) is not None
    return is_long and all(kind.search(value) for kind in _SIGNS)


def _leaves(value: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    """Yield each value that holds no others, with the path to it."""
    if depth < 0:
        raise RecursionError
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth - 1)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path, depth - 1)
    elif value is not None and str(value).strip():
        yield path, value


def _grouped(lines: list[str]) -> list[Piece]:
    body = "\n".join(line.encode("utf-8", "replace").decode() for line in lines)
    return [Piece("code", body)] if body else []

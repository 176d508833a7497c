"""Makes files of PowerPoint 97, after [MS-PPT]: no library for Python writes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.ingest.old_word import compound

TITLE, BODY, OTHER = 0, 1, 4
DATE: Final = 7  # a placeholder that is the same on each slide


@dataclass
class Slide:
    """Its shapes, their records made by the functions below; its outline and its notes."""

    shapes: Sequence[bytes] = ()
    outline: Sequence[tuple[int, str]] = ()
    notes: Sequence[bytes] = field(default=())


def record(kind: int, data: bytes, number: int = 0, *, has_parts: bool = False) -> bytes:
    return struct.pack("<HHI", number << 4 | 0xF * has_parts, kind, len(data)) + data


def holding(kind: int, *parts: bytes, number: int = 0) -> bytes:
    return record(kind, b"".join(parts), number, has_parts=True)


def text(kind: int, said: str, *, wide: bool = True) -> bytes:
    data = said.encode("utf-16-le" if wide else "latin-1")
    return record(0x0F9F, struct.pack("<I", kind)) + record(0x0FA0 if wide else 0x0FA8, data)


def box(said: bytes, placeholder: int | None = None, anchor: Sequence[int] = ()) -> bytes:
    """Return a shape with these records of text in it."""
    parts = [record(0xF00A, bytes(8), 202)]
    if anchor:
        parts.append(record(0xF00F, struct.pack("<4i", *anchor)))
    if placeholder is not None:
        atom = record(0x0BC3, struct.pack("<iBBH", 0, placeholder, 0, 0))
        parts.append(holding(0xF011, atom))
    return holding(0xF004, *parts, holding(0xF00D, said))


def from_outline(number: int) -> bytes:
    return box(record(0x0F9E, struct.pack("<I", number)))


def picture() -> bytes:
    return holding(0xF004, record(0xF00A, bytes(8), 75))


def table(cells: Sequence[tuple[Sequence[int], str]]) -> bytes:
    """Return a group that is a table, of cells by where they stand: left, top, right, bottom."""
    told = record(0xF122, struct.pack("<HI", 0x039F, 1), 1)
    line = holding(0xF004, record(0xF00A, bytes(8), 20))
    boxes = [box(text(OTHER, said), anchor=anchor) for anchor, said in cells]
    return holding(0xF003, holding(0xF004, told), *boxes, line)


def old_powerpoint(slides: Sequence[Slide], *, token: int = 0xE391C05F, again: int = 1) -> bytes:
    """Return a file, saved ``again`` times; all but the last save hold a slide that is gone."""
    stream = bytearray()
    last = 0
    for save in range(again):
        shown = slides if save == again - 1 else [Slide([box(text(TITLE, "Gone"))])]
        last = _save(stream, shown, last)
    user = record(0x0FF6, struct.pack("<III", 20, token, last))
    return compound({"Current User": user, "PowerPoint Document": bytes(stream)})


def _save(stream: bytearray, slides: Sequence[Slide], last: int) -> int:
    """Add a version of all parts; return where it says of itself."""
    places: list[int] = []

    def put(data: bytes) -> int:
        places.append(len(stream))
        stream.extend(data)
        return len(places)

    if not stream:
        stream.extend(bytes(8))  # a place is never 0
    listed, noted = [], []
    for number, slide in enumerate(slides):
        notes = 1000 + number if slide.notes else 0
        atom = record(0x03EF, bytes(12) + struct.pack("<III", 0, notes, 0))
        part = put(holding(0x03EE, atom, _drawing(slide.shapes)))
        listed.append(_listed(part, 256 + number) + b"".join(text(*each) for each in slide.outline))
        if slide.notes:
            noted.append(_listed(put(holding(0x03F0, _drawing(slide.notes))), notes))
    lists = [holding(0x0FF0, *listed), holding(0x0FF0, *noted, number=2)]
    document = put(holding(0x03E8, record(0x03E9, bytes(40)), *lists))
    directory = len(stream)
    entry = struct.pack(f"<{1 + len(places)}I", len(places) << 20 | 1, *places)
    stream.extend(record(0x1772, entry))
    edit = len(stream)
    stream.extend(record(0x0FF5, struct.pack("<IIIII8x", 0, 0, last, directory, document)))
    return edit


def _drawing(shapes: Sequence[bytes]) -> bytes:
    return holding(0x040C, holding(0xF002, holding(0xF003, *shapes)))


def _listed(part: int, number: int) -> bytes:
    return record(0x03F3, struct.pack("<5I", part, 0, 0, number, 0))

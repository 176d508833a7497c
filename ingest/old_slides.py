"""Slides of PowerPoint 97 to 2003 (ppt), after Microsoft's [MS-PPT], 2.4, 2.5 and 2.9; what holds a
text on a slide is a shape of [MS-ODRAW]."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingest.document import Kind, Piece, Reading
from ingest.failures import CorruptDocument
from ingest.sheet_tables import Place, Range, tables
from ingest.slide_records import DAMAGED, Record, SlideFile

_SLIDE_ATOM, _LIST, _LISTED = 0x03EF, 0x0FF0, 0x03F3
_OF_SLIDES, _OF_NOTES = 0, 2  # lists
_GROUP, _SHAPE, _KIND_OF_SHAPE, _BOX = 0xF003, 0xF004, 0xF00A, 0xF00D
_ANCHOR, _PROPERTIES, _PLACEHOLDER = 0xF00F, 0xF122, 0x0BC3
_TABLE: Final = 0x039F  # a property of a group
_PICTURE: Final = 75  # a kind of shape
_KIND_OF_TEXT, _WIDE, _NARROW, _OUTLINE = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E
_TITLES, _BODIES, _OTHER = (0, 6), (1, 5, 7, 8), 4  # kinds of texts
_REPEATED: Final = (7, 8, 9, 10)  # placeholders: date, number, footer, header
_DEEPEST: Final = 30
_UNREAD: Final = (
    "Pictures on slides of PowerPoint before 2007 are not read: save it as pptx to have them read."
)

Text = tuple[int, str]  # its kind, and what it says


@dataclass
class _Listed:
    """A slide or a page of notes as the document lists it, with the texts of its outline."""

    part: int
    id: int
    texts: dict[int, Text] = field(default_factory=dict)


def read(path: Path) -> Reading:
    """Return the slides in their order, a page each: titles, texts, and notes behind them.

    Raises ``CorruptDocument``, ``EncryptedDocument``.
    """
    try:
        return _read(SlideFile(path))
    except (struct.error, IndexError, KeyError, ValueError, OSError) as error:
        raise CorruptDocument(DAMAGED) from error


def _read(file: SlideFile) -> Reading:
    reading = Reading(is_of_slides=True)
    lists = {part.number: _listed(part) for part in file.document.parts() if part.kind == _LIST}
    notes = {each.id: each for each in lists.get(_OF_NOTES, [])}
    slides = lists.get(_OF_SLIDES, [])
    for page, listed in enumerate(slides, 1):
        slide = file.part(listed.part)
        found = _Slide(page, reading.warnings, listed.texts).read(slide)
        beside = notes.get(_notes_of(slide))
        if beside is not None:
            said = _Slide(page, reading.warnings, beside.texts).read(file.part(beside.part))
            found += [Piece("text", piece.text, page) for piece in said]
        reading.pieces += found
        reading.pages_with_text += bool(found)
        if _has_picture(slide) and _UNREAD not in reading.warnings:
            reading.warnings.append(_UNREAD)
    reading.page_count = len(slides)
    return reading


def _listed(of: Record) -> list[_Listed]:
    found: list[_Listed] = []
    kind = _OTHER
    for record in of.parts():
        if record.kind == _LISTED:
            part, _, _, id_ = struct.unpack_from("<4I", record.data)
            found.append(_Listed(part, id_))
        elif record.kind == _KIND_OF_TEXT:
            (kind,) = struct.unpack_from("<I", record.data)
        elif record.kind in (_WIDE, _NARROW) and found:
            texts = found[-1].texts
            texts[len(texts)] = kind, _decoded(record)
    return found


def _notes_of(slide: Record) -> int:
    (atom,) = (part for part in slide.parts() if part.kind == _SLIDE_ATOM)
    return int(struct.unpack_from("<I", atom.data, 16)[0])


def _has_picture(slide: Record) -> bool:
    kinds = (part for shape in slide.within(_SHAPE) for part in shape.parts())
    return any(part.kind == _KIND_OF_SHAPE and part.number == _PICTURE for part in kinds)


@dataclass
class _Slide:
    """One slide; what its owner is to know is added to ``told``, and what a shape shows of the
    ``outline`` is taken out of it."""

    page: int
    told: list[str]
    outline: dict[int, Text]

    def read(self, slide: Record) -> list[Piece]:
        """Return what the shapes say, titles first, and what else the outline has."""
        found: list[Piece] = []
        for part in _shapes(slide):
            if part.kind == _GROUP:
                found += self._table(part)
            else:
                found += (piece for text in self._of(part) for piece in self._said(*text))
        found += (piece for text in self.outline.values() for piece in self._said(*text))
        return sorted(found, key=lambda piece: piece.kind != "title")

    def _of(self, shape: Record) -> Iterator[Text]:
        """Yield the texts of a shape, but not what is the same on each slide."""
        placeholders = (record.data[4] for record in shape.within(_PLACEHOLDER))
        if any(kind in _REPEATED for kind in placeholders):
            return
        kind = _OTHER
        for record in (part for box in shape.within(_BOX) for part in box.parts()):
            if record.kind == _KIND_OF_TEXT:
                (kind,) = struct.unpack_from("<I", record.data)
            elif record.kind in (_WIDE, _NARROW):
                yield kind, _decoded(record)
            elif record.kind == _OUTLINE:
                (number,) = struct.unpack_from("<I", record.data)
                if number in self.outline:
                    yield self.outline.pop(number)

    def _said(self, kind: int, text: str) -> Iterator[Piece]:
        shape: Kind = "title" if kind in _TITLES else "list" if kind in _BODIES else "text"
        for paragraph in [_line(text)] if shape == "title" else text.split("\r"):
            if said := _shown(paragraph):
                yield Piece(shape, said, self.page)

    def _table(self, group: Record) -> Iterator[Piece]:
        """Yield a table: its cells are boxes, told by where they stand."""
        boxes = [
            (struct.unpack_from("<4i", anchor.data), self._of(shape))
            for shape in group.parts()
            if shape.kind == _SHAPE and any(shape.within(_BOX))
            for anchor in shape.within(_ANCHOR)
        ]
        across = sorted({at for (left, _, right, _), _ in boxes for at in (left, right)})
        down = sorted({at for (_, top, _, bottom), _ in boxes for at in (top, bottom)})
        columns, rows = ({at: n for n, at in enumerate(edges)} for edges in (across, down))
        cells: dict[Place, str] = {}
        merged: list[Range] = []
        for (left, top, right, bottom), texts in boxes:
            first, last = (rows[top] + 1, columns[left] + 1), (rows[bottom], columns[right])
            if said := " ".join(_line(text) for _, text in texts).strip():
                cells[first] = said
            if last > first:
                merged.append((first, last))
        yield from tables(cells, merged, self.page, self.told)


def _shapes(record: Record, depth: int = 0) -> Iterator[Record]:
    """Yield the shapes within one in their order, and groups of them that are tables."""
    for part in record.parts():
        if part.kind == _SHAPE or (part.kind == _GROUP and _is_table(part)):
            yield part
        elif part.has_parts and depth < _DEEPEST:
            yield from _shapes(part, depth + 1)


def _is_table(group: Record) -> bool:
    first = next((part for part in group.parts() if part.kind == _SHAPE), None)
    for told in () if first is None else first.within(_PROPERTIES):
        for number in range(told.number):
            name, value = struct.unpack_from("<HI", told.data, 6 * number)
            if name & 0x3FFF == _TABLE:  # the two bits above say of what kind the value is
                return bool(value & 1)
    return False


def _decoded(record: Record) -> str:
    return record.data.decode("utf-16-le" if record.kind == _WIDE else "latin-1", "replace")


def _line(text: str) -> str:
    """Return all of a text in one line."""
    return " ".join(_shown(text.replace("\r", " ")).split())


def _shown(text: str) -> str:
    """Return a paragraph as it is seen; a break within it parts lines."""
    lines = text.replace("\x0b", "\n").split("\n")
    seen = ("".join(mark for mark in line if mark >= " " or mark == "\t") for line in lines)
    return "\n".join(filter(None, (" ".join(line.split()) for line in seen)))

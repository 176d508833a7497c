"""Texts of Word 97 to 2003 (doc): headings, paragraphs, lists and tables, notes behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.markdown_tables import is_rule
from ingest.document import Piece, Reading
from ingest.tables import markdown
from ingest.word_binary import Paragraph, WordFile

_ENDS: Final = "\r\a\f"  # of a paragraph; of a cell or row; of a page
_CELL: Final = "\a"
_FIELD, _RESULT, _END_OF_FIELD = "\x13", "\x14", "\x15"
_PICTURES: Final = "\x01\x08"
_SHOWN: Final = {"\x0b": "\n", "\x1e": "-", "\xa0": " ", "\t": " "}  # others below a blank are not
_UNREAD: Final = (
    "Pictures of a text of Word before 2007 are not read: save it as docx to have them read."
)


def read(path: Path) -> Reading:
    """Return the text, and behind it footnotes, comments, endnotes and text boxes; what repeats on
    each page is left out, as is what was deleted with the change kept.

    Raises ``CorruptDocument``, ``EncryptedDocument``, ``UnsupportedType``.
    """
    file, reading = WordFile(path), Reading()
    start = 0
    for name, count in file.parts._asdict().items():
        if name not in ("headers", "macros"):
            reading.pieces += _Part(file).read(start, start + count)
        start += count
    shown = file.characters[: file.parts.text]
    if any(mark in _outside_fields(shown) for mark in _PICTURES):
        reading.warnings.append(_UNREAD)
    return reading


@dataclass
class _Part:
    """One part of the text, and what is known of the table that is being read."""

    file: WordFile
    rows: list[list[str]] = field(default_factory=lambda: [[""]])

    def read(self, first: int, end: int) -> Iterator[Piece]:
        text = self.file.characters[first:end]
        start = 0
        for at, mark in enumerate(text):
            if mark not in _ENDS:
                continue
            paragraph = self.file.paragraph(first + at)
            said = _said(text[start:at])
            start = at + 1
            if paragraph.is_in_table:
                self._add(said, paragraph, mark)
            else:
                yield from self._table()
                yield from _piece(said, paragraph)
        yield from self._table()
        yield from _piece(_said(text[start:]), Paragraph())

    def _add(self, said: str, paragraph: Paragraph, mark: str) -> None:
        """Put a paragraph into its cell, and go on to the next one or to the next row."""
        if paragraph.ends_row:
            self.rows.append([""])
            return
        row = self.rows[-1]
        row[-1] = f"{row[-1]} {said}".strip()
        if mark == _CELL:
            row.append("")

    def _table(self) -> Iterator[Piece]:
        if text := markdown(self.rows):
            yield Piece("table" if any(map(is_rule, text.split("\n"))) else "text", text)
        self.rows = [[""]]


def _piece(said: str, paragraph: Paragraph) -> Iterator[Piece]:
    if said and paragraph.level:
        yield Piece("title", " ".join(said.split()), level=paragraph.level)
    elif said:
        yield Piece("list" if paragraph.is_listed else "text", said)


def _said(text: str) -> str:
    """Return what a reader sees of a run of characters, each line without blanks around it."""
    seen = (_SHOWN.get(mark, mark if mark >= " " else "") for mark in _outside_fields(text))
    units = "".join(seen).encode("utf-16-le", "surrogatepass")
    lines = units.decode("utf-16-le", "replace").split("\n")
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def _outside_fields(text: str) -> Iterator[str]:
    """Yield the characters but for those that say how a field comes by what it shows."""
    fields: list[str] = []
    for mark in text:
        if mark == _FIELD:
            fields.append(mark)
        elif mark == _RESULT and fields:
            fields[-1] = mark
        elif mark == _END_OF_FIELD and fields:
            fields.pop()
        elif _FIELD not in fields:
            yield mark

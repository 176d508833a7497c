"""What a file of Word 97 to 2003 holds: its characters, and what is said of their paragraphs.

After Microsoft's [MS-DOC] (2.5 the file's head, 2.8 and 2.9 its tables, 2.6 properties). Each
character has a number; pieces say where in the file a run of them lies. Properties are told for
places in the file, on pages of 512 bytes.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from ingest import compound_file
from ingest.failures import CorruptDocument, EncryptedDocument, UnsupportedType

_MAGIC: Final = 0xA5EC
_WORD_97: Final = 0xC1
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
_FLAGS, _COUNTS = 0x0A, 0x4C  # where in the head they are
_CHARACTERS, _PARAGRAPHS, _PIECES = 0xFA, 0x102, 0x1A2  # where it says where these tables are
_PAGE: Final = 512
_COMPRESSED: Final = 1 << 30  # one byte a character, and twice its place
_IN_TABLE, _ENDS_ROW, _OUTLINE, _LIST = 0x2416, 0x2417, 0x2640, 0x460B
_DELETED, _HIDDEN = 0x0800, 0x083C
_ELSEWHERE: Final = (0x6645, 0x6646)  # properties too long for their page
_SIZES: Final = (1, 1, 2, 4, 2, 2, 0, 3)  # of a property's value, by the kind of its number
_LONG_SIZE: Final = 0xD608  # the property whose size takes two bytes
_DAMAGED: Final = (
    "The document is damaged and cannot be read: save it again and upload the new file."
)

Properties = Mapping[int, bytes]
_T = TypeVar("_T")


class _Piece(NamedTuple):
    """Characters from ``first`` to before ``end``, and where in the file they begin."""

    first: int
    end: int
    place: int
    size: int  # bytes of a character


class Parts(NamedTuple):
    """How many characters each part has, in their order."""

    text: int
    footnotes: int
    headers: int
    macros: int
    comments: int
    endnotes: int
    boxes: int


@dataclass(frozen=True)
class Paragraph:
    """What is said of one; ``level`` is a heading's, from 1, and 0 for others."""

    level: int = 0
    is_listed: bool = False
    is_in_table: bool = False
    ends_row: bool = False


class WordFile:
    """Raises ``CorruptDocument``, ``EncryptedDocument``, and ``UnsupportedType`` for one of Word 95
    and before."""

    def __init__(self, path: Path) -> None:
        try:
            self._open(path)
            self.parts = Parts(*struct.unpack_from("<7I", self._main, _COUNTS))
            self.characters = self._read()
            self._paragraphs = self._told(_PARAGRAPHS, _of_paragraphs)
        except (struct.error, IndexError, ValueError, OSError) as error:
            raise CorruptDocument(_DAMAGED) from error

    def _open(self, path: Path) -> None:
        with compound_file.opened(path) as file:
            self._main: bytes = file.openstream("WordDocument").read()
            magic, version = struct.unpack_from("<HH", self._main)
            (flags,) = struct.unpack_from("<H", self._main, _FLAGS)
            if magic != _MAGIC:
                raise CorruptDocument(_DAMAGED)
            if flags & _ENCRYPTED:
                raise EncryptedDocument(
                    "The document asks for a password: remove the protection and upload it again."
                )
            if version < _WORD_97:
                raise UnsupportedType(
                    "Texts of Word before 1997 are not read: save it as docx and upload that."
                )
            self._table: bytes = file.openstream("1Table" if flags & _TABLE_1 else "0Table").read()
            self._data: bytes = file.openstream("Data").read() if file.exists("Data") else b""

    def paragraph(self, character: int) -> Paragraph:
        """Return what is said of the paragraph that a character is in."""
        at = bisect_right(self._pieces, character, key=lambda piece: piece.first) - 1
        piece = self._pieces[max(at, 0)]
        place = piece.place + (character - piece.first) * piece.size
        at = bisect_right(self._paragraphs, place, key=lambda told: told[0]) - 1
        if at < 0 or place >= self._paragraphs[at][1]:
            return Paragraph()
        style, properties = self._paragraphs[at][2]
        return _paragraph(style, properties)

    @cached_property
    def _pieces(self) -> list[_Piece]:
        found = self._part(_PIECES)
        at = 0
        while found[at] == 1:  # formats of pieces that were saved in haste
            at += 3 + struct.unpack_from("<H", found, at + 1)[0]
        (size,) = struct.unpack_from("<I", found, at + 1)
        count = (size - 4) // 12
        bounds = struct.unpack_from(f"<{count + 1}I", found, at + 5)
        if bounds[-1] > len(self._main):  # each character takes a byte at least
            raise CorruptDocument(_DAMAGED)
        places = (at + 5 + 4 * (count + 1) + 8 * number + 2 for number in range(count))
        pieces = []
        for first, end, place in zip(bounds, bounds[1:], places, strict=False):
            (told,) = struct.unpack_from("<I", found, place)
            is_small = bool(told & _COMPRESSED)
            start = (told & ~_COMPRESSED) // 2 if is_small else told
            pieces.append(_Piece(first, end, start, 1 if is_small else 2))
        return pieces

    def _read(self) -> str:
        """Return every character, at its number; 0 for what is deleted or hidden."""
        gone = [bounds for *bounds, is_gone in self._told(_CHARACTERS, _is_gone) if is_gone]
        return "".join(self._said(piece, gone) for piece in self._pieces)

    def _said(self, piece: _Piece, gone: list[list[int]]) -> str:
        count = piece.end - piece.first
        data = self._main[piece.place : piece.place + count * piece.size]
        if count < 0 or len(data) < count * piece.size:
            raise CorruptDocument(_DAMAGED)
        if piece.size == 1:
            said = [_OF_WINDOWS[byte] for byte in data]
        else:
            said = [chr(unit) for unit in struct.unpack(f"<{count}H", data)]
        for first, end in gone:
            start = max(first - piece.place, 0) // piece.size
            for at in range(start, min((end - piece.place) // piece.size, count)):
                said[at] = said[at] if said[at] in "\r\a\f" else "\0"
        return "".join(said)

    def _part(self, where: int) -> bytes:
        start, size = struct.unpack_from("<II", self._main, where)
        return self._table[start : start + size]

    def _told(
        self, where: int, read: Callable[[bytes, int, bytes], _T]
    ) -> list[tuple[int, int, _T]]:
        """Return what the pages of a table tell, by the first place and the one behind the last."""
        table = self._part(where)
        count = (len(table) - 4) // 8
        pages = struct.unpack_from(f"<{max(count, 0)}I", table, 4 * (count + 1)) if table else ()
        found = []
        for number in pages:
            page = self._main[number * _PAGE : (number + 1) * _PAGE]
            places = struct.unpack_from(f"<{page[-1] + 1}I", page)
            for at in range(page[-1]):
                found.append((places[at], places[at + 1], read(page, at, self._data)))
        return sorted(found, key=lambda told: told[0])


def _of_paragraphs(page: bytes, at: int, data: bytes) -> tuple[int, Properties]:
    """Return a paragraph's style and its properties, as its page tells them."""
    start = 2 * page[4 * (page[-1] + 1) + 13 * at]
    if not start:
        return 0, {}
    size = 2 * page[start] - 1 if page[start] else 2 * page[start + 1]
    start += 1 if page[start] else 2
    (style,) = struct.unpack_from("<H", page, start)
    properties = dict(_properties(page[start + 2 : start + size]))
    for name in _ELSEWHERE:
        if name in properties:
            (place,) = struct.unpack("<I", properties[name])
            (size,) = struct.unpack_from("<H", data, place)
            properties |= _properties(data[place + 2 : place + 2 + size])
    return style, properties


def _is_gone(page: bytes, at: int, _: bytes) -> bool:
    """Whether characters are deleted, with the change kept, or hidden."""
    start = 2 * page[4 * (page[-1] + 1) + at]
    properties = dict(_properties(page[start + 1 : start + 1 + page[start]])) if start else {}
    return any(properties.get(name, b"\0")[0] & 1 for name in (_DELETED, _HIDDEN))


def _properties(told: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 < len(told):
        (name,) = struct.unpack_from("<H", told, at)
        at += 2
        size = _SIZES[name >> 13]
        if name == _LONG_SIZE:
            size = 1 + struct.unpack_from("<H", told, at)[0]
        elif not size:
            size = 1 + told[at]
        yield name, told[at : at + size]
        at += size


def _paragraph(style: int, properties: Properties) -> Paragraph:
    def has(name: int) -> bool:
        return any(properties.get(name, b""))

    outline = properties.get(_OUTLINE, b"\x09")[0] + 1
    level = style if 1 <= style <= _LEVELS else outline  # the first styles are the headings
    return Paragraph(level if level <= _LEVELS else 0, has(_LIST), has(_IN_TABLE), has(_ENDS_ROW))


def _of_windows(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


_LEVELS: Final = 9
_OF_WINDOWS: Final = [_of_windows(byte) for byte in range(256)]

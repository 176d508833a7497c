"""The records of a file of PowerPoint 97 to 2003, after Microsoft's [MS-PPT], 2.1 to 2.3.

A file is saved by adding to it: directories say where the newest version of each part is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from ingest import compound_file
from ingest.failures import CorruptDocument, EncryptedDocument

_ENCRYPTED: Final = 0xF3D1C4DF
_DOCUMENT, _EDIT, _DIRECTORY = 0x03E8, 0x0FF5, 0x1772
_DEEPEST: Final = 30
DAMAGED: Final = (
    "The slides are damaged and cannot be read: save them again and upload the new file."
)


class Record(NamedTuple):
    """What a file is made of; ``number`` means what its kind says."""

    kind: int
    number: int
    data: bytes
    has_parts: bool

    def parts(self) -> Iterator[Record]:
        """Yield the records that this one is made of."""
        at = 0
        while at + 8 <= len(self.data):
            part, at = _read(self.data, at)
            yield part

    def within(self, kind: int, depth: int = 0) -> Iterator[Record]:
        """Yield the records of a kind within this one, however deep, in their order."""
        for part in self.parts():
            if part.kind == kind:
                yield part
            elif part.has_parts and depth < _DEEPEST:
                yield from part.within(kind, depth + 1)


class SlideFile:
    """Raises ``EncryptedDocument``, and what ``struct`` and others do of what is damaged."""

    def __init__(self, path: Path) -> None:
        with compound_file.opened(path) as file:
            user = file.openstream("Current User").read()
            self._stream: bytes = file.openstream("PowerPoint Document").read()
        token, newest = struct.unpack_from("<II", user, 12)
        if token == _ENCRYPTED:
            raise EncryptedDocument(
                "The slides ask for a password: remove the protection and upload them again."
            )
        self._places: dict[int, int] = {}
        self.document = self._found(newest)

    def part(self, number: int) -> Record:
        """Return the newest version of a part."""
        return _read(self._stream, self._places[number])[0]

    def _found(self, edit: int) -> Record:
        """Return the newest document, and note where the newest of each part is."""
        seen, document = set[int](), 0
        while edit and edit not in seen:
            seen.add(edit)
            edit, directory, number = struct.unpack_from("<III", self._of_kind(edit, _EDIT).data, 8)
            document = document or number
            for part, place in _places(self._of_kind(directory, _DIRECTORY).data):
                self._places.setdefault(part, place)
        return self._of_kind(self._places[document], _DOCUMENT)

    def _of_kind(self, place: int, kind: int) -> Record:
        record, _ = _read(self._stream, place)
        if record.kind != kind:
            raise CorruptDocument(DAMAGED)
        return record


def _read(data: bytes, at: int) -> tuple[Record, int]:
    """Return the record at a place, and where the next one begins."""
    head, kind, size = struct.unpack_from("<HHI", data, at)
    end = at + 8 + size
    return Record(kind, head >> 4, data[at + 8 : end], head & 0xF == 0xF), end


def _places(directory: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 4 <= len(directory):
        (head,) = struct.unpack_from("<I", directory, at)
        first, count = head & 0xFFFFF, head >> 20
        yield from enumerate(struct.unpack_from(f"<{count}I", directory, at + 4), first)
        at += 4 + 4 * count

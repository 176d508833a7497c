"""Looking through a stranger's update before the library reads it.

The library's decoder calls itself for every list inside a list: 20,000 of them end the process.
The format is Yjs's update, version 1, with the values of lib0 (github.com/yjs/yjs, src/structs and
src/utils/UpdateDecoder.js; github.com/dmonad/lib0, decoding.js).
"""

from __future__ import annotations

from typing import Final

from core.errors import PayloadTooLarge, ValidationFailed

LARGEST: Final = 500_000  # bytes
NOTHING: Final = b"\x00\x00"  # an update of no structs and no deletions
_DEEPEST: Final = 100  # lists and objects in one value
_MOST_TYPES: Final = 5_000  # maps that one update may make
_GC, _DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOC, _SKIP = range(11)
_FIXED: Final = {121: 0, 120: 0, 126: 0, 127: 0, 124: 4, 123: 8, 122: 8}
_MAP: Final = 1


def require_readable(update: bytes) -> None:
    """Raise ``ValidationFailed`` for what is no update or holds what no workflow does, and
    ``PayloadTooLarge``."""
    if len(update) > LARGEST:
        raise PayloadTooLarge(f"An update has at most {LARGEST} bytes; send several.")
    try:
        _Walk(update).update()
    except (IndexError, ValueError) as error:
        raise ValidationFailed("The update cannot be read; send sync step 1.") from error


class _Walk:
    """Goes through an update from its first byte to its last."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._types = data, 0, 0

    def update(self) -> None:
        for _ in range(self._uint()):
            structs = self._uint()
            self._uint()  # client
            self._uint()  # clock
            for _ in range(structs):
                self._struct()
        for _ in range(self._uint()):
            self._uint()  # client
            for _ in range(self._uint()):
                self._uint()
                self._uint()
        if self._at != len(self._data):
            raise ValueError("more than an update")

    def _struct(self) -> None:
        info = self._byte()
        kind = info & 31
        if kind in (_GC, _SKIP):
            self._uint()
            return
        for origin in (0x80, 0x40):
            if info & origin:
                self._id()
        if not info & 0xC0:
            if self._uint() == 1:
                self._text()  # the parent's name
            else:
                self._id()
            if info & 0x20:
                self._text()
        self._content(kind)

    def _content(self, kind: int) -> None:
        if kind == _DELETED:
            self._uint()
        elif kind in (_BINARY, _STRING, _EMBED):
            self._text()
        elif kind == _JSON:
            for _ in range(self._uint()):
                self._text()
        elif kind == _FORMAT:
            self._text()
            self._text()
        elif kind == _TYPE:
            self._type()
        elif kind == _ANY:
            self._values(self._uint())
        else:
            raise ValueError("a content that no workflow holds")

    def _type(self) -> None:
        self._types += 1
        if self._uint() != _MAP or self._types > _MOST_TYPES:
            raise ValueError("a type that no workflow holds, or too many")

    def _values(self, count: int) -> None:
        """Go through values, without calling itself for those inside them."""
        left = [(count, False)]
        while left:
            remaining, is_object = left.pop()
            if not remaining:
                continue
            left.append((remaining - 1, is_object))
            if is_object:
                self._text()
            tag = self._byte()
            if tag in (117, 118):
                left.append((self._uint(), tag == 118))
                if len(left) > _DEEPEST:
                    raise ValueError("nested too deeply")
            elif tag in (116, 119):
                self._text()
            elif tag == 125:
                self._uint()
            else:
                self._skip(_FIXED.get(tag, len(self._data)))

    def _id(self) -> None:
        self._uint()
        self._uint()

    def _text(self) -> None:
        self._skip(self._uint())

    def _skip(self, count: int) -> None:
        self._at += count
        if self._at > len(self._data):
            raise ValueError("cut off")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _uint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number
            if shift > 70:
                raise ValueError("too long a number")

"""Makes files of Word 97, after [MS-DOC] and [MS-CFB]: no library for Python writes them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

TEXT_AT: Final = 0x400
IN_TABLE: Final = struct.pack("<HB", 0x2416, 1)
ENDS_ROW: Final = IN_TABLE + struct.pack("<HB", 0x2417, 1) + struct.pack("<HH", 0xD608, 3) + b"\0\0"
LISTED: Final = struct.pack("<HH", 0x460B, 4)
DELETED: Final = struct.pack("<HB", 0x0800, 1)
HIDDEN: Final = struct.pack("<HB", 0x083C, 1)
_SECTOR: Final = 512
_FREE, _END, _OF_FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


@dataclass(frozen=True)
class P:
    """A paragraph with its mark; ``style`` 1 to 9 are headings."""

    text: str
    style: int = 0
    properties: bytes = b""


def old_word(
    paragraphs: Sequence[P],
    counts: Sequence[int] = (),
    gone: Sequence[tuple[int, int, bytes]] = (),
    *,
    wide: bool = True,
    flags: int = 0,
    version: int = 0xC1,
) -> bytes:
    """Return a file. ``counts`` are the characters of its seven parts, by default all in the first;
    ``gone`` are runs of characters, from the first to before the last, with their properties."""
    text = "".join(paragraph.text for paragraph in paragraphs)
    size = 2 if wide else 1
    data = text.encode("utf-16-le" if wide else "cp1252")
    ends = [
        TEXT_AT + size * end for end in accumulate((len(p.text) for p in paragraphs), initial=0)
    ]
    main = bytearray(TEXT_AT) + data
    table = bytearray()

    def page(made: bytes) -> int:
        main.extend(b"\0" * (-len(main) % _SECTOR))
        main.extend(made)
        return len(main) // _SECTOR - 1

    def put(where: int, made: bytes) -> None:
        struct.pack_into("<II", main, where, len(table), len(made))
        table.extend(made)

    pages = []
    for start in range(0, len(paragraphs), 10):
        some = range(start, min(start + 10, len(paragraphs)))
        bounds = [ends[at] for at in (*some, some[-1] + 1)]
        told = [_of_paragraph(paragraphs[at]) for at in some]
        pages.append((bounds[0], page(_page(bounds, told, 13))))
    put(0x102, _table([*(place for place, _ in pages), ends[-1]], [number for _, number in pages]))
    if gone:
        bounds = [TEXT_AT + size * at for first, end, _ in gone for at in (first, end)]
        told = [
            t for _, _, properties in gone for t in (bytes([len(properties)]) + properties, b"")
        ]
        number = page(_page([*bounds, ends[-1]], told, 1))
        put(0xFA, _table([bounds[0], ends[-1]], [number]))
    place = TEXT_AT if wide else 2 * TEXT_AT | 1 << 30
    pieces = struct.pack("<IIHIH", 0, len(text), 0, place, 0)
    put(0x1A2, b"\x01\x02\x00ab\x02" + struct.pack("<I", len(pieces)) + pieces)
    struct.pack_into("<HH", main, 0, 0xA5EC, version)
    struct.pack_into("<H", main, 0x0A, 0x0200 | flags)
    struct.pack_into("<7I", main, 0x4C, *(counts or (len(text), *[0] * 6)))
    return compound({"WordDocument": bytes(main), "1Table": bytes(table)})


def _of_paragraph(paragraph: P) -> bytes:
    told = struct.pack("<H", paragraph.style) + paragraph.properties
    if len(told) % 2:
        return bytes([(len(told) + 1) // 2]) + told
    return bytes([0, len(told) // 2]) + told


def _page(bounds: Sequence[int], told: Sequence[bytes], width: int) -> bytes:
    page = bytearray(_SECTOR)
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    at = _SECTOR - 2
    for number, each in enumerate(told):
        if each:
            at -= len(each) + len(each) % 2
            page[at : at + len(each)] = each
            page[4 * len(bounds) + width * number] = at // 2
    page[-1] = len(told)
    return bytes(page)


def _table(bounds: Sequence[int], numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(bounds) + len(numbers)}I", *bounds, *numbers)


def compound(streams: dict[str, bytes]) -> bytes:
    """Return a compound file with these streams, at most three, in it."""
    padded = [
        data.ljust(4096, b"\0") for data in streams.values()
    ]  # what is smaller lies elsewhere
    sectors = [-(-len(data) // _SECTOR) for data in padded]
    starts = list(accumulate(sectors, initial=2))
    fat = [_OF_FAT, _END]
    for start, count in zip(starts, sectors, strict=False):
        fat += [*range(start + 1, start + count), _END]
    assert len(fat) <= _SECTOR // 4
    fat += [_FREE] * (_SECTOR // 4 - len(fat))
    entries = [_entry("Root Entry", 5, 1, _END, 0)]
    for number, name in enumerate(streams):
        following = number + 2 if number + 1 < len(streams) else _FREE
        entries.append(_entry(name, 2, _FREE, starts[number], len(padded[number]), following))
    entries += [bytes(128)] * (4 - len(entries))
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16),
        0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0,
    )  # fmt: skip
    head = head.ljust(_SECTOR, b"\xff")
    body = b"".join(data.ljust(-(-len(data) // _SECTOR) * _SECTOR, b"\0") for data in padded)
    return head + struct.pack(f"<{_SECTOR // 4}I", *fat) + b"".join(entries) + body


def _entry(
    name: str, kind: int, child: int, start: int, size: int, following: int = _FREE
) -> bytes:
    encoded = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ", encoded, len(encoded) + 2, kind, 1,
        _FREE, following, child, bytes(16), 0, 0, 0, start, size,
    )  # fmt: skip

"""Texts of Word 97 to 2003: what they say, in its shape, and what is refused."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import old_texts
from ingest.document import Reading
from ingest.failures import CorruptDocument, EncryptedDocument, ParseFailed, UnsupportedType
from ingest.sniff import sniff
from tests.ingest.old_word import DELETED, ENDS_ROW, HIDDEN, IN_TABLE, LISTED, P, compound, old_word

LETTER = [
    P("Prices\r", 1),
    P("A berth costs ten\x0beuros\xa0a night \x96 naïve, non\x1ebreaking.\r"),
    P("Winter\r", 2),
    P("Hulls\r", properties=LISTED),
    P("Sails\r", properties=LISTED),
    P("\r"),
    P("Since 1999.\r", properties=struct.pack("<HB", 0x2640, 0)),
]


def _with_sectors_of(power: int) -> bytes:
    data = bytearray(old_word([P("x\r")]))
    struct.pack_into("<H", data, 30, power)
    return bytes(data)


def _read(tmp_path: Path, data: bytes) -> Reading:
    path = tmp_path / "letter.doc"
    path.write_bytes(data)
    return old_texts.read(path)


def _said(reading: Reading) -> list[tuple[str, int, str]]:
    return [(piece.kind, piece.level, piece.text) for piece in reading.pieces]


@pytest.mark.parametrize("wide", [True, False])
def test_headings_lists_and_texts_are_in_their_order(tmp_path: Path, wide: bool) -> None:
    paragraphs = [P(p.text.replace("\x96", "–"), p.style, p.properties) for p in LETTER]
    reading = _read(tmp_path, old_word(paragraphs, wide=wide))
    assert _said(reading) == [
        ("title", 1, "Prices"),
        ("text", 1, "A berth costs ten\neuros a night – naïve, non-breaking."),
        ("title", 2, "Winter"),
        ("list", 1, "Hulls"),
        ("list", 1, "Sails"),
        ("title", 1, "Since 1999."),
    ]
    assert not reading.warnings


def test_tables_are_tables_and_paragraphs_of_a_cell_stay_in_it(tmp_path: Path) -> None:
    table = [
        P("Length\a", properties=IN_TABLE), P("Price\a", properties=IN_TABLE), P("\a", 0, ENDS_ROW),
        P("to 8 m\r", properties=IN_TABLE), P("or 9\a", properties=IN_TABLE),
        P("10 | 11\a", properties=IN_TABLE), P("\a", 0, ENDS_ROW),
        P("longer\a", properties=IN_TABLE), P("\a", properties=IN_TABLE), P("\a", 0, ENDS_ROW),
    ]  # fmt: skip
    reading = _read(tmp_path, old_word([P("Fees:\r"), *table, P("Each a night.\r"), *table]))
    written = "| Length | Price |\n| --- | --- |\n| to 8 m or 9 | 10 \\| 11 |\n| longer |"
    told = [("text", 1, "Fees:"), ("table", 1, written), ("text", 1, "Each a night.")]
    assert _said(reading)[:3] == told
    assert _said(reading)[3:] == [("table", 1, written)]


def test_a_field_says_what_it_shows_and_not_how_it_comes_by_it(tmp_path: Path) -> None:
    text = 'Ask \x13 LINK "x\x13 REF a \x14b\x15" \x14\x01the \x13 PAGE \x14yard\x15\x15 now.\r'
    assert _said(_read(tmp_path, old_word([P(text)]))) == [("text", 1, "Ask the yard now.")]


def test_what_was_deleted_or_is_hidden_is_not_read(tmp_path: Path) -> None:
    text = "It costs ten eleven euros, secretly.\r"
    gone = [
        (text.index("ten"), text.index("eleven"), DELETED),
        (text.index(", secretly"), len(text), HIDDEN),
    ]
    reading = _read(tmp_path, old_word([P(text), P("Pay at once.\r")], gone=gone))
    assert [piece.text for piece in reading.pieces] == ["It costs eleven euros", "Pay at once."]


def test_notes_stand_behind_and_what_repeats_on_each_page_does_not(tmp_path: Path) -> None:
    parts = [
        "Text.\x02\r",
        "\x02 A footnote.\r",
        "Page 1\r",
        "",
        "\x05 A remark.\r",
        "",
        "In a box.\r",
    ]
    data = old_word([P(part) for part in parts if part], [len(part) for part in parts])
    said = [piece.text for piece in _read(tmp_path, data).pieces]
    assert said == ["Text.", "A footnote.", "A remark.", "In a box."]


def test_signs_beyond_two_bytes_are_whole(tmp_path: Path) -> None:
    pair = "\U0001f6a4".encode("utf-16-le")
    units = "".join(map(chr, struct.unpack("<2H", pair)))
    data = old_word([P("A boat: XX.\r")]).replace("XX".encode("utf-16-le"), pair)
    assert units not in _read(tmp_path, data).pieces[0].text
    assert _read(tmp_path, data).pieces[0].text == "A boat: \U0001f6a4."


def test_pictures_are_told_to_be_unread(tmp_path: Path) -> None:
    reading = _read(tmp_path, old_word([P("A plan: \x01\r")]))
    assert reading.pieces[0].text == "A plan:"
    assert "Pictures" in reading.warnings[0]
    assert len(reading.warnings) == 1


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (old_word([P("x\r")], flags=0x0100), EncryptedDocument),
        (old_word([P("x\r")], version=0x65), UnsupportedType),
        (compound({"WordDocument": b"\xec\xa5" * 40}), ParseFailed),
        (compound({"WordDocument": bytes(800)}), CorruptDocument),
        (compound({"Other": bytes(800)}), CorruptDocument),
        (old_word([P("x\r")])[:3000], CorruptDocument),
        (_with_sectors_of(62), CorruptDocument),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    tmp_path: Path, data: bytes, failure: type[ParseFailed]
) -> None:
    with pytest.raises(failure):
        _read(tmp_path, data)


def test_characters_that_the_file_does_not_hold_are_refused_before_they_are_made(
    tmp_path: Path,
) -> None:
    data = bytearray(old_word([P("A letter.\r")]))
    pieces = data.index(b"\x01\x02\x00ab\x02") + 10
    struct.pack_into("<I", data, pieces + 4, 1 << 31)
    with pytest.raises(CorruptDocument):
        _read(tmp_path, bytes(data))


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 255)), min_size=1, max_size=30))
def test_whatever_is_damaged_is_read_or_refused(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(old_word(LETTER, gone=[(3, 5, DELETED)]))
    for at, byte in changes:
        data[at % len(data)] = byte
    with suppress(ParseFailed):
        _read(tmp_path, bytes(data))
    with suppress(ParseFailed):
        sniff(tmp_path / "letter.doc", "letter.doc")


def test_a_text_is_told_from_what_is_embedded_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_bytes(old_word(LETTER))
    assert sniff(path, "letter").kind == "doc"
    name = "WordDocument\0".encode("utf-16-le")
    path.write_bytes(compound({"PowerPoint Document": name * 9}))
    assert sniff(path, "slides.ppt").kind == "ppt"
    path.write_bytes(compound({"Workbook": name}))
    assert sniff(path, "book.xls").kind == "xls"


@pytest.mark.shared_data
def test_tables_and_texts_of_words_own_files(shared_data: Path) -> None:
    folder = shared_data / "documents/formats/unstructured"
    table, *texts = _said(old_texts.read(folder / "fake-doc-emphasized-text.doc"))
    assert table[0] == "table"
    assert "| A bold italic bold-italic example | A Link example |" in table[2]
    assert [text for _, _, text in texts] == [
        "I am a bold italic bold-italic text.", "I am a normal text.",
    ]  # fmt: skip
    (only,) = old_texts.read(folder / "fake.doc").pieces
    assert only.text == "Lorem ipsum dolor sit amet."

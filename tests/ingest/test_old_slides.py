"""Slides of PowerPoint 97 to 2003: what they say, in its shape, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import old_slides
from ingest.document import Reading
from ingest.failures import CorruptDocument, EncryptedDocument, ParseFailed
from ingest.sniff import sniff
from tests.ingest.old_powerpoint import (
    BODY,
    DATE,
    OTHER,
    TITLE,
    Slide,
    box,
    from_outline,
    old_powerpoint,
    picture,
    table,
    text,
)
from tests.ingest.old_word import compound

BERTHS = Slide(
    [box(text(OTHER, "Ask at\x0bthe yard.")), from_outline(1), from_outline(0)],
    [(TITLE, "Berths\rof the yard"), (BODY, "Hulls\rSails – new\r")],
    [box(text(2, "Say the price twice."))],
)


def _read(tmp_path: Path, data: bytes) -> Reading:
    path = tmp_path / "berths.ppt"
    path.write_bytes(data)
    return old_slides.read(path)


def _said(reading: Reading) -> list[tuple[int | None, str, str]]:
    return [(piece.page, piece.kind, piece.text) for piece in reading.pieces]


def test_titles_come_first_and_notes_last_a_page_for_each_slide(tmp_path: Path) -> None:
    reading = _read(tmp_path, old_powerpoint([BERTHS, Slide(), Slide([box(text(OTHER, "End"))])]))
    assert _said(reading) == [
        (1, "title", "Berths of the yard"),
        (1, "text", "Ask at\nthe yard."),
        (1, "list", "Hulls"),
        (1, "list", "Sails – new"),
        (1, "text", "Say the price twice."),
        (3, "text", "End"),
    ]
    assert (reading.page_count, reading.pages_with_text) == (3, 2)
    assert not reading.warnings


def test_what_no_shape_shows_of_an_outline_is_read_and_what_repeats_is_not(tmp_path: Path) -> None:
    shapes = [box(text(OTHER, "1 May"), DATE), box(text(OTHER, "na\xefve", wide=False))]
    reading = _read(tmp_path, old_powerpoint([Slide(shapes, [(BODY, "Only in the outline")])]))
    assert [piece.text for piece in reading.pieces] == ["naïve", "Only in the outline"]


def test_the_newest_version_counts(tmp_path: Path) -> None:
    reading = _read(tmp_path, old_powerpoint([Slide([box(text(TITLE, "New"))])], again=3))
    assert [piece.text for piece in reading.pieces] == ["New"]


def test_a_table_is_one_and_merged_cells_are_in_each_place(tmp_path: Path) -> None:
    cells = [
        ((0, 0, 10, 10), "Length"), ((10, 0, 30, 10), "Price"),
        ((0, 10, 10, 20), "8 m"), ((10, 10, 20, 20), "10"), ((20, 10, 30, 20), "12"),
    ]  # fmt: skip
    reading = _read(tmp_path, old_powerpoint([Slide([table(cells), box(text(TITLE, "Fees"))])]))
    written = "| Length | Price | Price |\n| --- | --- | --- |\n| 8 m | 10 | 12 |"
    assert _said(reading) == [(1, "title", "Fees"), (1, "table", written)]


def test_pictures_are_told_to_be_unread_once(tmp_path: Path) -> None:
    reading = _read(tmp_path, old_powerpoint([Slide([picture()]), Slide([picture()])]))
    assert len(reading.warnings) == 1
    assert "Pictures" in reading.warnings[0]


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (old_powerpoint([BERTHS], token=0xF3D1C4DF), EncryptedDocument),
        (compound({"PowerPoint Document": bytes(90)}), CorruptDocument),
        (compound({"Current User": bytes(90), "PowerPoint Document": bytes(90)}), CorruptDocument),
        (old_powerpoint([BERTHS])[:4000], CorruptDocument),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    tmp_path: Path, data: bytes, failure: type[ParseFailed]
) -> None:
    with pytest.raises(failure):
        _read(tmp_path, data)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 12_000), st.integers(0, 255)), min_size=1, max_size=30))
def test_whatever_is_damaged_is_read_or_refused(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    cells = [((0, 0, 10, 10), "a"), ((10, 0, 20, 10), "b")]
    data = bytearray(old_powerpoint([BERTHS, Slide([table(cells), picture()])], again=2))
    for at, byte in changes:
        data[at % len(data)] = byte
    with suppress(ParseFailed):
        _read(tmp_path, bytes(data))


def test_slides_are_told_by_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "slides"
    path.write_bytes(old_powerpoint([BERTHS]))
    assert sniff(path, "slides").kind == "ppt"


@pytest.mark.shared_data
def test_a_table_of_powerpoints_own(shared_data: Path) -> None:
    said = _said(old_slides.read(shared_data / "documents/formats/docling/ppt/legacy_sample.ppt"))
    assert said[0] == (1, "title", "Test Table Slide")
    (grid,) = [words for _, kind, words in said if kind == "table"]
    assert "|  | A merged with B | A merged with B | C | A | B | C |" in grid
    assert (2, "text", "Some notes on the second slide.") in said

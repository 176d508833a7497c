from __future__ import annotations

from pathlib import Path

import pytest

from evals import formats, ocr, reading_report
from evals.cases import BadData
from ingest.document import Piece, Reading, assemble
from ingest.libreoffice import is_installed
from ingest.tables import markdown


def test_errors_are_counted_in_order_and_recall_is_not() -> None:
    found = ocr.figures("the keel is laid down", "laid is  the Keel")
    assert found["wordRecall"] == pytest.approx(4 / 5)
    assert found["wordErrorRate"] == pytest.approx(4 / 5)
    assert ocr.figures("abcd", "abxd")["characterErrorRate"] == pytest.approx(1 / 4)
    assert ocr.figures("abc", "")["characterErrorRate"] == 1
    assert ocr.figures("kitten", "sitting")["characterErrorRate"] == pytest.approx(3 / 6)


def test_scans_are_those_beside_a_text_and_those_that_are_listed(tmp_path: Path) -> None:
    for name in ("page.png", "page.pdf", "other.png", "page.gold.txt"):
        (tmp_path / name).write_text("words")
    row = '{"image": "till.jpg", "lines": [{"text": "A"}, {"text": "B"}], "fields": {"total": "1"}}'
    (tmp_path / "gold.jsonl").write_text(row)
    scans = ocr.load(tmp_path)
    assert [scan.file.name for scan in scans] == ["page.pdf", "page.png", "till.jpg"]
    assert (scans[2].group, scans[2].text, scans[2].fields) == ("forms", "A\nB", {"total": "1"})
    with pytest.raises(BadData):
        ocr.load(tmp_path / "none")


async def test_our_own_scans_are_read_and_reported() -> None:
    found = await ocr.run(ocr.load(ocr_data()), "eng", "own", turned=False)
    assert found["modes"]["pages"]["wordRecall"] == 1
    assert found["field total"] == {"right": 1, "of": 1}
    assert not ocr.has_unread(found)
    page = reading_report.ocr_page(found)
    assert "<svg" in page
    assert "till.png" in page


def ocr_data() -> Path:
    return Path(ocr.__file__).parent / "data" / "ocr"


def test_a_page_that_was_not_read_when_turned_is_told() -> None:
    assert ocr.has_unread({"files": [], "turnedRead": {"right": 1, "of": 2}})
    assert ocr.has_unread({"files": [{"refused": "CORRUPT: …"}]})


async def test_every_file_is_read_refused_or_told_as_broken(tmp_path: Path) -> None:
    for folder in ("good", "bad"):
        (tmp_path / folder).mkdir()
    (tmp_path / "good" / "a.csv").write_text("Team,Cups\nBlues,1\n")
    (tmp_path / "good" / "a.csv.expected.md").write_text(
        "| Team | Cups |\n|---|---|\n| Blues | 2 |"
    )
    (tmp_path / "bad" / "empty.pdf").write_bytes(b"")
    found = await formats.run(formats.load(tmp_path), "own")
    assert found["good: read"] == {"right": 1, "of": 1}
    assert found["bad: read"] == {"right": 0, "of": 1}
    assert found["bad: read or refused"] == {"right": 1, "of": 1}
    assert found["modes"]["good"] == {"wordRecall": 0.75, "cellRecall": 0.75}
    assert found["files"][0]["reason"].startswith("EMPTY_DOCUMENT: ")
    assert not formats.has_broken(found)
    assert formats.has_broken({"files": [{"outcome": "broke"}]})
    assert "EMPTY_DOCUMENT" in reading_report.formats_page(found)


def test_headings_and_cells_count_where_the_structure_was_kept() -> None:
    expected = formats.Expected.of_markdown(
        "# The yard\n\nIt is dry.\n\n| Item | Left |\n| --- | --- |\n| Tar | 3 |\n"
    )
    table = markdown([["Item", "Left"], ["Tar", "3"]])
    kept = assemble(Reading([Piece("title", "The yard"), Piece("table", table)]))
    flat = assemble(Reading([Piece("text", "The yard It is dry. Item Left Tar 3")]))
    assert formats.structure(expected, kept)["headingRecall"] == 1
    assert formats.structure(expected, kept)["cellRecall"] == 1
    shares = formats.structure(expected, flat)
    assert (shares["wordRecall"], shares["headingRecall"], shares["cellRecall"]) == (1, 0, 0)


async def test_a_truth_covers_a_document_in_each_format_and_what_is_not_read_counts(
    tmp_path: Path,
) -> None:
    truth = '{"note": {"text": "It is dry", "headings": ["It is dry"], "cells": []}}'
    (tmp_path / "truth.json").write_text(truth)
    (tmp_path / "note.md").write_text("# It is dry")
    (tmp_path / "note.pdf").write_bytes(b"")
    found = await formats.run(formats.load(tmp_path), "own")
    assert formats.means(found) == {"wordRecall": 0.5, "headingRecall": 0.5, "cellRecall": 0}


@pytest.mark.slow
@pytest.mark.skipif(not is_installed(), reason="needs LibreOffice")
async def test_our_own_documents_give_their_words_headings_and_cells() -> None:
    found = await formats.run(formats.load(Path(formats.__file__).parent / "data/formats"), "own")
    means = formats.means(found)
    assert len(found["files"]) == 30
    assert {name for name, bar in formats.BARS.items() if means[name] < bar} == set()

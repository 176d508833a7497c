"""Pages of a PDF that are partly a scan."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image

from ingest import pdf
from ingest.document import ParsedDocument, assemble
from ingest.limits import Limits
from tests.ingest import making

BODY = ["The lease began in March", "and ends in October", "The rent is due on Mondays"]
STAMP = "Received 4 May"


def _written_upon(
    picture: Image.Image, path: Path, texts: list[str], *, is_hidden: bool = False
) -> Path:
    """Write a PDF of the picture with lines of text over it, from the top."""
    picture.convert("RGB").save(path, resolution=144)
    document = pypdfium2.PdfDocument(path)
    page = document[0]
    for at, text in enumerate(texts, 1):
        letters = (ctypes.c_ushort * (len(text) + 1))(*map(ord, text), 0)
        written = pdfium.FPDFPageObj_NewTextObj(document, b"Helvetica", 10)
        pdfium.FPDFText_SetText(written, letters)
        if is_hidden:
            pdfium.FPDFTextObj_SetTextRenderMode(written, pdfium.FPDF_TEXTRENDERMODE_INVISIBLE)
        pdfium.FPDFPageObj_Transform(written, 1, 0, 0, 1, 20, page.get_height() - 12 * at)
        pdfium.FPDFPage_InsertObject(page, written)
    page.gen_content()
    stamped = path.with_suffix(".stamped.pdf")
    document.save(stamped)
    return stamped


def _read(path: Path) -> ParsedDocument:
    return assemble(pdf.read(path, Limits(), "eng", lambda *_: None))


def _scan(tmp_path: Path) -> Image.Image:
    with Image.open(making.scan(tmp_path / "scan.png", BODY)) as image:
        return image.convert("L")


def test_a_scan_with_a_stamp_upon_it_is_read_and_the_stamp_kept(tmp_path: Path) -> None:
    document = _read(_written_upon(_scan(tmp_path), tmp_path / "a.pdf", [STAMP]))
    assert [document.text.count(line) for line in (STAMP, *BODY)] == [1, 1, 1, 1]
    assert document.text.index(STAMP) < document.text.index(BODY[0])
    assert document.ocr_pages == 1
    (element,) = (each for each in document.elements if BODY[0] in each.text)
    assert element.bbox is not None
    # The ink of the last line ends at about 285 of 390 pixels.
    assert element.bbox[3] == pytest.approx(285 / 390, abs=0.05)


def test_a_scan_under_its_own_hidden_text_is_not_read_again(tmp_path: Path) -> None:
    hidden = ["The lease began in March, they say", *["It ends when the year does, or later"] * 5]
    document = _read(_written_upon(_scan(tmp_path), tmp_path / "a.pdf", hidden, is_hidden=True))
    assert document.ocr_pages == 0
    assert BODY[1] not in document.text


def test_a_hidden_text_that_makes_no_sense_gives_way_to_what_is_seen(tmp_path: Path) -> None:
    hidden = ["Wkh ohdvh ehjdq lq Pdufk dqg hqgv lq"] * 8  # as letters of a wrong code are
    document = _read(_written_upon(_scan(tmp_path), tmp_path / "a.pdf", hidden, is_hidden=True))
    assert document.text.split() == " ".join(BODY).split()
    assert document.ocr_pages == 1


def test_a_hidden_text_of_rare_words_is_kept_where_it_is_what_is_seen(tmp_path: Path) -> None:
    names = [f"{name} Marsh Ibsen Okafor Lindqvist" for name in ("Abel", "Bert", "Carl", "Dora")]
    with Image.open(making.scan(tmp_path / "scan.png", names)) as image:
        scan = image.convert("L")
    hidden = [f"{line} Tove" for line in names] * 2
    document = _read(_written_upon(scan, tmp_path / "a.pdf", hidden, is_hidden=True))
    assert document.text.count("Tove") == 8
    assert document.ocr_pages == 0


def test_visible_text_on_a_picture_is_believed(tmp_path: Path) -> None:
    shown = ["Wkh ohdvh ehjdq lq Pdufk dqg hqgv lq"] * 8
    document = _read(_written_upon(_scan(tmp_path), tmp_path / "a.pdf", shown))
    assert shown[0] in document.text
    assert document.ocr_pages == 0


def test_a_hidden_text_of_unknown_letters_gives_way_to_what_is_seen(tmp_path: Path) -> None:
    hidden = ["(cid:12)(cid:7) (cid:31)(cid:40)(cid:3)"] * 8
    document = _read(_written_upon(_scan(tmp_path), tmp_path / "a.pdf", hidden, is_hidden=True))
    assert document.text.split() == " ".join(BODY).split()


def test_a_photograph_adds_no_words_to_its_caption(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (40, 60), dtype=np.uint8)
    photograph = Image.fromarray(noise).resize((1400, 900), Image.Resampling.BICUBIC)
    document = _read(_written_upon(photograph, tmp_path / "a.pdf", ["The harbour at night, 1893"]))
    assert document.text.strip() == "The harbour at night, 1893"

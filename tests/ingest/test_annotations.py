"""Filled forms, typed texts and comments of PDFs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest

from ingest import pdf
from ingest.document import ParsedDocument, assemble
from ingest.failures import NoText
from ingest.limits import Limits
from ingest.read import read_document
from tests.ingest import making
from tests.ingest.making import Place, TextAt

Annotation = tuple[Place, str]

LABELS: list[TextAt] = [
    (72, 60, 16, "F2", "Application for a berth"),
    (72, 100, 10, "F1", "Name of the skipper:"),
    (72, 120, 10, "F1", "Length: ________ m   Draught: ________ m"),
    (90, 140, 10, "F1", "Sailing boat"),
    (190, 140, 10, "F1", "Motor boat"),
    (72, 160, 10, "F1", "Harbour"),
    (72, 200, 10, "F1", "What else we should know"),
]


def _text(left: float, top: float, value: str, more: str = "") -> Annotation:
    place = (left, top, left + 110, top + 14)
    return place, f"/Subtype /Widget /FT /Tx /T (t{left}.{top}) /V ({value}) {more}"


def _box(left: float, top: float, *, is_ticked: bool) -> Annotation:
    state = "/V /Yes /AS /Yes" if is_ticked else "/V /Off /AS /Off"
    looks = "/AP << /N << /Yes << >> /Off << >> >> >>"
    entries = f"/Subtype /Widget /FT /Btn /T (b{left}.{top}) {state} {looks}"
    return (left, top, left + 12, top + 12), entries


def _choice(left: float, top: float, chosen: str, flags: int) -> Annotation:
    options = "/Opt [(Kiel) (Wismar)]"
    entries = f"/Subtype /Widget /FT /Ch /T (c{left}.{top}) /Ff {flags} {options} /V ({chosen})"
    return (left, top, left + 110, top + 14), entries


def _read(tmp_path: Path, data: bytes, limits: Limits | None = None) -> ParsedDocument:
    path = tmp_path / "form.pdf"
    path.write_bytes(data)
    return assemble(pdf.read(path, limits or Limits(ocr="off"), "eng", lambda *_: None))


def test_what_was_filled_in_stands_with_what_it_answers(tmp_path: Path) -> None:
    of_several_lines = (
        (72, 210, 500, 300),
        ("/Subtype /Widget /FT /Tx /T (else) /Ff 4096 /V (We come by night.\\rWe have a dog.)"),
    )
    fields = [
        _text(190, 90, "Ada Lovelace"),
        _text(225, 110, "1.85"),
        _text(105, 110, "9.2"),
        _box(74, 130, is_ticked=True),
        _box(174, 130, is_ticked=False),
        _text(245, 130, "or raft"),
        _choice(190, 150, "Wismar", flags=131072),
        of_several_lines,
        _text(190, 310, "hunter2", "/Ff 8192"),  # a password
        _text(190, 330, ""),
        (_text(190, 350, "not shown")[0], _text(190, 350, "not shown", "/F 2")[1]),
    ]
    document = _read(tmp_path, making.pdf([LABELS], annotations=fields))
    assert document.text == (
        "Application for a berth\n\n"
        "Name of the skipper: Ada Lovelace\n"
        "Length: 9.2 m Draught: 1.85 m\n"
        "☒ Sailing boat ☐ Motor boat or raft\n"
        "Harbour Wismar\n\n"
        "What else we should know\n"
        "We come by night.\n"
        "We have a dog."
    )
    box = document.elements[1].bbox
    assert box is not None
    assert box[2] == pytest.approx(355 / making.PAGE_WIDTH, abs=0.01)  # with the fields


def test_columns_that_were_filled_in_are_a_table(tmp_path: Path) -> None:
    labels: list[TextAt] = [
        (200, 100, 10, "F1", "Yes"),
        (300, 100, 10, "F1", "No"),
        (400, 100, 10, "F1", "Since"),
        (72, 120, 10, "F1", "Insured"),
        (72, 140, 10, "F1", "Inspected"),
    ]
    fields = [
        _box(200, 110, is_ticked=True),
        _box(300, 110, is_ticked=False),
        _text(400, 110, "May 2021"),
        _box(200, 130, is_ticked=False),
        _box(300, 130, is_ticked=True),
        _text(400, 130, "never"),
    ]
    document = _read(tmp_path, making.pdf([labels], annotations=fields))
    assert document.text.splitlines() == [
        "|  | Yes | No | Since |",
        "| --- | --- | --- | --- |",
        "| Insured | ☒ | ☐ | May 2021 |",
        "| Inspected | ☐ | ☒ | never |",
    ]


def test_a_form_without_words_of_its_own_gives_what_was_filled_in(tmp_path: Path) -> None:
    fields = [_text(72, 100, "Ada"), _text(300, 100, "Lovelace"), _text(72, 390, "Born in 1815")]
    document = _read(tmp_path, making.pdf([[]], annotations=fields))
    assert document.text.splitlines()[0] == "| Ada | Lovelace |"
    assert "Born in 1815" in document.text


def test_what_was_chosen_of_a_list_is_told(tmp_path: Path) -> None:
    fields = [_choice(190, 150, "Kiel", flags=0)]
    assert "Harbour Kiel" in _read(tmp_path, making.pdf([LABELS], annotations=fields)).text


def test_texts_typed_upon_a_page_are_read_and_comments_follow_it(tmp_path: Path) -> None:
    notes = [
        ((190, 90, 400, 104), "/Subtype /FreeText /DA (/F1 10 Tf) /Contents (Grace Hopper)"),
        ((72, 110, 200, 124), "/Subtype /Highlight /T (Olga) /Contents (In feet,\\rplease.)"),
        ((300, 300, 320, 320), "/Subtype /Text /Contents (Paid.)"),
        ((300, 400, 320, 420), "/Subtype /Popup /Contents (Paid.)"),
        ((300, 500, 320, 520), "/Subtype /Highlight"),
    ]
    document = _read(tmp_path, making.pdf([LABELS, LABELS], annotations=notes))
    assert document.text.count("Name of the skipper: Grace Hopper") == 2
    told = [e for e in document.elements if e.text.startswith("Comment")]
    assert [(e.page, e.text) for e in told] == [
        (page, text)
        for page in (1, 2)
        for text in ("Comment by Olga: In feet, please.", "Comment: Paid.")
    ]
    assert document.elements[-1] == told[-1]
    first = told[0].bbox
    assert first is not None
    assert first == pytest.approx((72 / 612, 110 / 792, 200 / 612, 124 / 792), abs=0.001)


def test_the_owner_is_told_of_attached_files(tmp_path: Path) -> None:
    with_file = pypdfium2.PdfDocument(making.pdf([LABELS]))
    with_file.new_attachment("rates.txt").set_data(b"42")
    out = BytesIO()
    with_file.save(out)
    (warning,) = _read(tmp_path, out.getvalue()).warnings
    assert warning.startswith("A file is attached")
    assert _read(tmp_path, making.pdf([LABELS])).warnings == ()


def test_a_file_without_text_ends_with_what_is_beside_it(tmp_path: Path) -> None:
    with_file, path = pypdfium2.PdfDocument(making.pdf([[]])), tmp_path / "blank.pdf"
    with_file.new_attachment("rates.txt").set_data(b"42")
    with_file.save(path)
    with pytest.raises(NoText, match="A file is attached"):
        read_document(path, "blank.pdf", Limits(ocr="off"), "eng", lambda *_: None)


def test_the_owner_is_told_of_a_form_that_only_adobe_shows(tmp_path: Path) -> None:
    form = making.pdf([LABELS], annotations=[_text(190, 90, "Ada")])
    dynamic = form.replace(b"/AcroForm <<", b"/NeedsRendering true /AcroForm << /XFA (x)")
    (warning,) = _read(tmp_path, dynamic).warnings
    assert "Adobe" in warning


def test_fields_of_a_turned_page_are_not_lost(tmp_path: Path) -> None:
    fields = [_text(190, 90, "Ada Lovelace")]
    document = _read(tmp_path, making.pdf([LABELS], rotate=90, annotations=fields))
    assert "Ada Lovelace" in document.text


def test_a_recognised_page_has_its_fields_letter_by_letter(tmp_path: Path) -> None:
    fields = [_text(260, 90, "Ada L0velace")]
    large = [(x, y, 14, font, text) for x, y, _, font, text in LABELS[:2]]
    data = making.pdf([large], annotations=fields)
    document = _read(tmp_path, data, Limits(ocr="force"))
    assert document.ocr_pages == 1
    assert "Name of the skipper: Ada L0velace" in document.text

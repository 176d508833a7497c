"""Pages in another language than they are read in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest import doubts, pdf, windows
from ingest.document import ParsedDocument
from ingest.failures import NoText
from ingest.limits import Limits
from ingest.read import finished, read_document
from ingest.windows import Window
from tests.ingest import making

GERMAN = [
    "Die Sitzung wird am Montag für eine Stunde",
    "in das große Rathaus der Stadt verlegt. Über",
    "die Gebühren und die Prüfung der Bücher wird",
    "nicht mehr an diesem Tag gesprochen.",
]
RUSSIAN = [
    "Заседание переносится на понедельник и",
    "пройдет в большом зале городской ратуши",
    "Просим всех членов принести с собой",
    "подписанные копии договора и печать",
]


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubts, "installed_languages", lambda: frozenset({"deu", "eng", "osd"}))


def _read(path: Path, languages: str = "eng") -> ParsedDocument:
    return read_document(path, path.name, Limits(), languages, lambda *_: None)


def _russian() -> Image.Image:
    """Draw the page in a font that has these letters, unlike Pillow's own."""
    import matplotlib

    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 44)
    image = Image.new("L", (1400, 480), 255)
    for number, line in enumerate(RUSSIAN):
        ImageDraw.Draw(image).text((60, 60 + 90 * number), line, fill=0, font=font)
    return image


def test_a_language_that_was_not_asked_for_is_told_with_the_next_step(tmp_path: Path) -> None:
    scan = making.scan(tmp_path / "a.png", GERMAN)
    (told,) = _read(scan).warnings
    assert told == (
        "Page 1 may be in another language (de), but was read in eng: process it again with "
        "languages set to de."
    )
    assert _read(scan, "deu+eng").warnings == ()


def test_pages_in_another_script_are_told_together(tmp_path: Path) -> None:
    with Image.open(making.scan(tmp_path / "a.png", ["The rent is due on Mondays"] * 3)) as english:
        pages = [english.convert("L"), _russian(), _russian()]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
    limits, read = Limits(), list[Window]()
    while not read or read[-1].next_page is not None:
        first = (read and read[-1].next_page) or 1
        window = pdf.read_window(tmp_path / "a.pdf", limits, "eng", lambda *_: None, first, 0)
        read.append(windows.from_wire(json.loads(json.dumps(windows.to_wire(window)))))
    (told,) = finished(read, "eng").warnings
    assert told.startswith("Pages 2, 3 can hardly be read, perhaps for being in another language")
    assert "were read in eng" in told
    assert "Tesseract reads deu, eng here" in told


def test_where_nothing_can_be_read_the_failure_says_so(tmp_path: Path) -> None:
    _russian().save(tmp_path / "a.png")
    with pytest.raises(NoText, match="Page 1 can hardly be read"):
        _read(tmp_path / "a.png")


def test_languages_that_are_not_installed_are_not_told_as_ready() -> None:
    (told,) = doubts.told([(None, "fr")], "eng")
    assert told == (
        "A picture in the text may be in another language (fr), but was read in eng: install "
        "Tesseract's data for fra (deu, eng are installed here), then process it again with "
        "languages set to fr."
    )


def test_many_pages_are_not_all_named() -> None:
    (told,) = doubts.told([(page, "de") for page in range(1, 41)], "eng")
    assert told.startswith("Pages 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 30 more may be")


@pytest.mark.parametrize(
    "text",
    [
        " ".join(GERMAN[:1]),  # too little to say
        "Total 12.00 cash 20.00 change 8.00 " * 10,
        "The lease began in March and ends in October, and the rent is due on Mondays. " * 3,
        "die " * 10 + "of the " * 10 + "lease rent " * 10,  # in both
    ],
)
def test_no_alarm_without_many_common_words_of_one_language(text: str) -> None:
    assert doubts.other_language(text, "eng") is None

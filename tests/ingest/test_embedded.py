"""Pictures that stand within other documents."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ingest.document import ParsedDocument, Reading
from ingest.embedded import EmbeddedPictures
from ingest.failures import NoText
from ingest.limits import Limits
from ingest.read import read_document
from tests.ingest import making

SCAN = ["Minutes of the meeting", "held in the town hall"]
BEFORE, AFTER = "The minutes follow.", "The next meeting is in June."


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return making.scan(tmp_path_factory.mktemp("scan") / "scan.png", SCAN)


def _read(path: Path, limits: Limits | None = None) -> ParsedDocument:
    return read_document(path, path.name, limits or Limits(), "eng", lambda *_: None)


def _noise(path: Path) -> Path:
    Image.effect_noise((600, 400), 90).save(path)
    return path


def _letter(path: Path, picture: Path) -> Path:
    import docx

    document = docx.Document()
    document.add_heading("Report", 1)
    document.add_paragraph(BEFORE).add_run().add_picture(str(picture))
    document.add_paragraph(AFTER)
    document.save(str(path))
    return path


def _slides(path: Path, *pictures: Path) -> Path:
    """Write a slide for each picture, with a text below it unless it is the only one."""
    from pptx import Presentation

    slides = Presentation()
    for picture in pictures:
        slide = slides.slides.add_slide(slides.slide_layouts[6])
        slide.shapes.add_picture(str(picture), 0, 0)
        if len(pictures) > 1:
            slide.shapes.add_textbox(0, 5_000_000, 900_000, 900_000).text_frame.text = BEFORE
    slides.save(str(path))
    return path


def _sheets(path: Path, picture: Path) -> Path:
    import openpyxl
    from openpyxl.drawing.image import Image as Drawing

    book = openpyxl.Workbook()
    book.worksheets[0].append([BEFORE])
    book.create_sheet("Scan").append([AFTER])
    book.worksheets[1].add_image(Drawing(str(picture)))
    book.create_sheet("Last").append(["The end"])
    book.save(path)
    return path


def _by_pandoc(path: Path, picture: Path) -> Path:
    import pypandoc

    text = f"{BEFORE}\n\n![]({picture})\n\n{AFTER}\n"
    pypandoc.convert_text(text, path.suffix[1:], "markdown", ["-s"], outputfile=str(path))
    return path


def _page(path: Path, picture: Path) -> Path:
    data = base64.b64encode(picture.read_bytes()).decode()
    path.write_text(
        f'<html><p>{BEFORE}</p><p><img src="data:image/png;base64,{data}"></p><p>{AFTER}</p>'
    )
    return path


def _markdown(path: Path, picture: Path) -> Path:
    data = base64.b64encode(picture.read_bytes()).decode()
    path.write_text(f"{BEFORE}\n\n![](data:image/png;base64,{data})\n\n{AFTER}\n")
    return path


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("x.docx", _letter),
        ("x.odt", _by_pandoc),
        ("x.epub", _by_pandoc),
        ("x.rtf", _by_pandoc),
        ("x.html", _page),
        ("x.md", _markdown),
    ],
)
def test_a_picture_is_read_where_it_stands(
    tmp_path: Path, scan: Path, name: str, write: Callable[[Path, Path], Path]
) -> None:
    document = _read(write(tmp_path / name, scan))
    places = [document.text.index(text) for text in (BEFORE, *SCAN, AFTER)]
    assert places == sorted(places)
    assert (document.text.count(SCAN[0]), document.ocr_pages, document.warnings) == (1, 1, ())
    assert document.ocr_confidence is not None
    assert _titles(document) <= {"Report"}  # what is large in a picture is no heading of ours


def _titles(document: ParsedDocument) -> set[str]:
    return {each.text for each in document.elements if each.kind == "title"}


def test_pictures_are_read_with_their_slides(tmp_path: Path, scan: Path) -> None:
    Image.new("L", (600, 400), 255).save(tmp_path / "white.png")
    document = _read(_slides(tmp_path / "x.pptx", tmp_path / "white.png", scan))
    assert [(each.page, each.text.split()[:3]) for each in document.elements] == [
        (1, BEFORE.split()),
        (2, BEFORE.split()),
        (2, SCAN[0].split()[:3]),
    ]
    assert (document.page_count, document.ocr_pages) == (2, 1)


def test_pictures_are_read_with_their_sheets(tmp_path: Path, scan: Path) -> None:
    document = _read(_sheets(tmp_path / "x.xlsx", scan))
    (found,) = (each for each in document.elements if SCAN[0] in each.text)
    assert found.page == 2
    assert document.text.index(AFTER) < found.start < document.text.index("The end")


def test_pictures_in_tables_and_behind_text_are_read(tmp_path: Path, scan: Path) -> None:
    import docx

    document = docx.Document()
    cell = document.add_table(1, 2).cell(0, 1)
    cell.text = "Receipt"
    cell.add_paragraph().add_run().add_picture(str(scan))
    document.add_paragraph(AFTER)
    document.save(str(tmp_path / "x.docx"))
    found = _read(tmp_path / "x.docx").text
    assert found.index("Receipt") < found.index(SCAN[0]) < found.index(AFTER)


def test_a_picture_of_a_table_of_html_is_read_at_the_end(tmp_path: Path, scan: Path) -> None:
    data = base64.b64encode(scan.read_bytes()).decode()
    (tmp_path / "x.html").write_text(
        f'<html><table><tr><td>{BEFORE}<img src="data:image/png;base64,{data}"></td></tr></table>'
        f"<p>{AFTER}</p>"
    )
    found = _read(tmp_path / "x.html").text
    assert found.index(BEFORE) < found.index(AFTER) < found.index(SCAN[0])


def test_what_was_asked_to_be_left_is_left(tmp_path: Path, scan: Path) -> None:
    document = _read(_letter(tmp_path / "x.docx", scan), Limits(ocr="off"))
    assert SCAN[0] not in document.text
    assert AFTER in document.text


def test_slides_that_are_pictures_are_recognised(tmp_path: Path, scan: Path) -> None:
    document = _read(_slides(tmp_path / "x.pptx", scan))
    assert SCAN[0] in document.text
    assert document.ocr_confidence is not None


def test_a_picture_without_words_gives_no_text(tmp_path: Path) -> None:
    with pytest.raises(NoText):
        _read(_slides(tmp_path / "x.pptx", _noise(tmp_path / "noise.png")))


class _Told:
    """Pictures given one after the other, with what was told of them."""

    def __init__(self, limits: Limits, clock: Callable[[], float] | None = None) -> None:
        self.progress: list[tuple[str, int, int]] = []
        kept: dict[str, Any] = {"clock": clock} if clock else {}
        self._pictures = EmbeddedPictures(
            limits, "eng", lambda *step: self.progress.append(step), **kept
        )

    def read(self, *pictures: bytes | None) -> tuple[int, list[str]]:
        """Return how many gave text, and the warnings."""
        self._pictures.expect(len(pictures))
        given = [self._pictures.read(picture) for picture in pictures]
        reading = Reading()
        self._pictures.end(reading)
        return sum(map(bool, given)), reading.warnings


def _bytes(image: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def _sized(scan: Path, width: int) -> bytes:
    with Image.open(scan) as image:
        return _bytes(image.resize((width, round(image.height * width / image.width))))


def test_icons_and_repeats_are_passed_over_without_a_word(scan: Path) -> None:
    told = _Told(Limits())
    given, warnings = told.read(_sized(scan, 200), scan.read_bytes(), scan.read_bytes())
    assert (given, warnings) == (1, [])
    assert told.progress == [("ocr", done, 3) for done in range(4)]


def test_what_is_beyond_a_limit_is_told(scan: Path) -> None:
    several = [_sized(scan, width) for width in (900, 901, 902)]
    given, (warning,) = _Told(Limits(max_pictures=2)).read(*several)
    assert given == 2
    assert warning.startswith("Pictures within the text that were not read, 1: 2 were read")
    ticks = iter([0.0, 4.0, 4.0, 8.0, 8.0, 8.0])
    given, (warning,) = _Told(Limits(max_picture_seconds=7), ticks.__next__).read(*several)
    assert given == 2
    assert "took 7 seconds" in warning
    given, (warning,) = _Told(Limits(max_picture_pixels=100_000)).read(several[0])
    assert given == 0
    assert "more than 100000 pixels" in warning


def test_no_format_is_tried_that_documents_do_not_show() -> None:
    """Pillow's reader of DDS textures, given a damaged one, raises what no other does."""
    texture = bytearray(_bytes(Image.new("RGB", (300, 300), "white"), "DDS"))
    texture[80:84] = bytes(4)  # the flags of its pixels' form
    given, (warning,) = _Told(Limits()).read(bytes(texture))
    assert given == 0
    assert warning.startswith("Pictures within the text that were not read, 1: damaged, or in a")


def test_what_cannot_be_opened_is_told(scan: Path) -> None:
    broken = scan.read_bytes()[:-300]
    given, (warning,) = _Told(Limits()).read(None, b"no picture", broken, scan.read_bytes())
    assert given == 1
    assert warning.startswith("Pictures within the text that were not read, 3: damaged")

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ingest.document import ParsedDocument
from ingest.failures import NoText
from ingest.limits import Limits
from ingest.read import read_document
from tests.ingest import making


def _read(path: Path) -> ParsedDocument:
    return read_document(path, path.name, Limits(), "eng", lambda *_: None)


def _slides(path: Path, picture: Path) -> Path:
    from pptx import Presentation

    slides = Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[6])
    slide.shapes.add_picture(str(picture), 0, 0)
    slides.save(str(path))
    return path


def test_slides_that_are_pictures_are_recognised(tmp_path: Path) -> None:
    scan = making.scan(tmp_path / "scan.png", ["Minutes of the meeting", "held in the town hall"])
    document = _read(_slides(tmp_path / "x.pptx", scan))
    assert "Minutes of the meeting" in document.text
    assert document.ocr_confidence is not None


def test_a_picture_without_words_gives_no_text(tmp_path: Path) -> None:
    Image.effect_noise((600, 400), 90).save(tmp_path / "noise.png")
    with pytest.raises(NoText):
        _read(_slides(tmp_path / "x.pptx", tmp_path / "noise.png"))

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from ingest.limits import Limits
from ingest.ocr import recognise
from ingest.read import read_document
from ingest.skew import skew_of
from tests.ingest import making

LINES = ["The quarterly report is due", "on the fifth of November", "Bring the signed copy"]


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def _recall(expected: str, found: str) -> float:
    """Return the share of the expected words that were found, each as often as expected."""
    wanted = _words(expected)
    return sum((wanted & _words(found)).values()) / sum(wanted.values())


def _text(path: Path) -> str:
    return read_document(path, path.name, Limits(), "eng", lambda *_: None).text


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_is_read_whichever_way_up(tmp_path: Path, turned: int) -> None:
    path = making.scan(tmp_path / "scan.png", LINES, turned)
    with Image.open(path) as image:
        found = recognise(image, 1, "eng")
    assert _recall(" ".join(LINES), " ".join(line.text for line in found.lines)) == 1
    if turned == 180:  # sideways Tesseract can do on its own
        assert found.turned == 180
    assert found.confidence > 0.8


def test_boxes_are_those_of_the_picture_as_given(tmp_path: Path) -> None:
    with Image.open(making.scan(tmp_path / "a.png", LINES)) as image:
        upright = recognise(image, 1, "eng").lines
    with Image.open(making.scan(tmp_path / "b.png", LINES, 180)) as image:
        turned = recognise(image, 1, "eng").lines
    for here, there in zip(upright, turned, strict=True):
        x0, y0, x1, y1 = there.shown
        assert here.box == pytest.approx((1 - x1, 1 - y1, 1 - x0, 1 - y0), abs=0.01)
        assert there.box == pytest.approx(here.box, abs=0.01)  # so that paragraphs are found
    assert upright[0].box[1] < upright[-1].box[1]


@pytest.mark.parametrize("askew", [-8, 4, 17])
def test_a_page_that_lies_askew_is_read_with_boxes_as_given(tmp_path: Path, askew: int) -> None:
    with Image.open(making.scan(tmp_path / "a.png", LINES * 3)) as image:
        level = recognise(image, 1, "eng").lines
        turned = image.rotate(askew, expand=True, fillcolor=255)
        assert skew_of(turned) == pytest.approx(-askew, abs=0.5)
        found = recognise(turned, 1, "eng").lines
    assert [line.text for line in found] == [line.text for line in level]
    # The middle of the first line, turned about the middle of the picture.
    x0, y0, x1, y1 = level[0].box
    dx, dy = ((x0 + x1) / 2 - 0.5) * image.width, ((y0 + y1) / 2 - 0.5) * image.height
    angle = math.radians(askew)
    x = (dx * math.cos(angle) + dy * math.sin(angle)) / turned.width + 0.5
    y = (dy * math.cos(angle) - dx * math.sin(angle)) / turned.height + 0.5
    x0, y0, x1, y1 = found[0].shown
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((x, y), abs=0.02)


@pytest.mark.parametrize("turned", [93, 266])
def test_a_page_on_its_side_may_be_askew_too(tmp_path: Path, turned: int) -> None:
    with Image.open(making.scan(tmp_path / "a.png", LINES * 3, turned)) as image:
        assert skew_of(image.convert("L")) == pytest.approx(3 if turned == 93 else -4, abs=0.5)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_level_and_sideways_pages_are_not_askew(tmp_path: Path, turned: int) -> None:
    with Image.open(making.scan(tmp_path / "a.png", LINES * 3, turned)) as image:
        assert skew_of(image.convert("L")) == 0
    assert skew_of(Image.effect_noise((600, 400), 90)) == 0
    assert skew_of(Image.new("L", (600, 400), 255)) == 0


def test_a_transparent_picture_is_read_on_white(tmp_path: Path) -> None:
    path = making.scan(tmp_path / "a.png", LINES)
    with Image.open(path) as image:
        black = Image.new("RGBA", image.size, (0, 0, 0, 0))
        black.paste((0, 0, 0, 255), mask=image.point(lambda grey: 255 - grey))
        found = recognise(black, 1, "eng")
    assert _recall(" ".join(LINES), " ".join(line.text for line in found.lines)) == 1


# Word recall of plain Tesseract 5.5 on these pages; eurotext is read with English only.
PAGES = [
    ("tesseract/phototest.tif", 1.0),
    ("tesseract/phototest-rotated-180.png", 1.0),
    ("tesseract/eurotext.tif", 0.885),
    ("tesseract/8071_093.3B.tif", 0.992),
    ("ocrmypdf/linn.png", 0.964),
    ("ocrmypdf/linn.pdf", 0.964),
    ("ocrmypdf/skew.pdf", 0.953),
]


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "recall"), PAGES)
def test_pages_are_read_as_well_as_by_plain_tesseract(
    shared_data: Path, name: str, recall: float
) -> None:
    path = shared_data / "documents" / "ocr" / name
    expected = path.parent / f"{path.name.rsplit('.', 1)[0]}.gold.txt"
    assert _recall(expected.read_text(), _text(path)) >= recall - 0.0005  # three digits given


def _receipt_recall(root: Path, receipt: dict[str, object]) -> float:
    lines: list[dict[str, str]] = receipt["lines"]  # type: ignore[assignment]
    expected = " ".join(line["text"] for line in lines)
    return _recall(expected, _text(root / str(receipt["image"])))


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_receipts_are_read_better_than_by_plain_tesseract(shared_data: Path) -> None:
    root = shared_data / "documents" / "receipts_sroie"
    receipts = [json.loads(row) for row in (root / "gold.jsonl").read_text().splitlines()]
    recalls = [_receipt_recall(root, receipt) for receipt in receipts]
    assert sum(recalls) / len(recalls) >= 0.851


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_dense_page_is_read_when_turned(shared_data: Path, tmp_path: Path, turned: int) -> None:
    source = shared_data / "documents" / "ocr" / "tesseract" / "8071_093.3B.tif"
    with Image.open(source) as image:
        image.convert("L").rotate(turned, expand=True, fillcolor=255).save(tmp_path / "turned.png")
    expected = (source.parent / "8071_093.3B.gold.txt").read_text()
    assert _recall(expected, _text(tmp_path / "turned.png")) > 0.97

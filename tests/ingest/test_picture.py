from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest import picture
from ingest.document import ParsedDocument, assemble
from ingest.failures import CorruptDocument, DocumentTooLarge
from ingest.grey import in_grey
from ingest.limits import Limits
from ingest.sniff import sniff
from tests.ingest import making

LINES = ["The quarterly report is due", "on the fifth of November", "Bring the signed copy"]


def _page(tmp_path: Path, lines: list[str] | None = None) -> Image.Image:
    with Image.open(making.scan(tmp_path / "page.png", lines or LINES)) as image:
        return image.convert("L")


def _read(path: Path, limits: Limits | None = None) -> ParsedDocument:
    return assemble(picture.read(path, limits or Limits(), "eng", lambda *_: None))


def test_sixteen_bits_a_pixel_are_as_good_as_eight(tmp_path: Path) -> None:
    page = _page(tmp_path)
    for depth in (np.asarray(page, np.uint16) * 257, np.asarray(page, np.int32) * 9):
        grey = in_grey(Image.fromarray(depth))
        assert np.abs(np.asarray(grey, float) - np.asarray(page, float)).max() <= 1


def test_light_letters_without_a_ground_stand_on_black_and_are_inverted(tmp_path: Path) -> None:
    page = _page(tmp_path)
    ink = page.point(lambda value: 255 - value)
    white = Image.new("L", page.size, 255)
    grey = in_grey(Image.merge("RGBA", (white, white, white, ink)))
    assert np.abs(np.asarray(grey, float) - np.asarray(page, float)).max() <= 1


def test_a_picture_is_made_small_enough_before_it_is_read() -> None:
    grey = in_grey(Image.new("L", (10_000, 8_000), 255))
    assert grey.width * grey.height <= 40_100_000
    assert grey.width / grey.height == pytest.approx(1.25, abs=0.001)


def test_a_damaged_page_among_others_is_left_out_and_told(tmp_path: Path) -> None:
    page, path = _page(tmp_path), tmp_path / "x.tif"
    page.save(path, save_all=True, append_images=[page, page], compression="jpeg")
    with Image.open(path) as image:
        image.seek(1)
        start, size = image.tag_v2[273][0], image.tag_v2[279][0]  # type: ignore[attr-defined]
    data = bytearray(path.read_bytes())
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    document = _read(path)
    assert {element.page for element in document.elements} == {1, 3}
    assert (document.page_count, document.ocr_pages) == (3, 2)
    assert document.warnings[0].startswith("Page 2 is damaged")


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)],
)
def test_an_uncompressed_tiff_on_its_side_is_read(
    tmp_path: Path, orientation: int, stored: Image.Transpose
) -> None:
    path = tmp_path / "x.tif"
    _page(tmp_path).transpose(stored).save(path, tiffinfo={274: orientation})
    assert _read(path).text.split() == " ".join(LINES).split()


def test_a_tiff_that_breaks_off_is_refused_by_name(tmp_path: Path) -> None:
    page, path = _page(tmp_path), tmp_path / "x.tif"
    page.save(path, save_all=True, append_images=[page, page], compression="tiff_lzw")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptDocument):
        _read(path)


def test_pictures_beyond_the_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # is set by reading, for good
    _page(tmp_path).save(tmp_path / "x.png")
    with pytest.raises(DocumentTooLarge, match="more than 1000 pixels"):
        _read(tmp_path / "x.png", Limits(max_picture_pixels=1000))


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_what_phones_take_is_read_upright(tmp_path: Path, kind: str) -> None:
    if kind == "heic":  # of our own, on its side; the library that reads them does not write them
        path = Path(__file__).parent / "samples" / "ferry.heic"
    else:
        path = tmp_path / "ferry.avif"
        _page(tmp_path, ["The ferry leaves at 7.45", "and comes back at noon."]).save(path)
    assert sniff(path, "IMG_0001").kind == kind
    assert _read(path).text == "The ferry leaves at 7.45 and comes back at noon."
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptDocument):
        _read(tmp_path / "cut")

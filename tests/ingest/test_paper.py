from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.ocr import Recognised, recognise
from ingest.paper import Sheet, evened, sheet_corners
from tests.ingest import making

LINES = ["The quarterly report is due", "on the fifth of November", "Bring the signed copy"] * 3


def _page(tmp_path: Path) -> Image.Image:
    with Image.open(making.scan(tmp_path / "page.png", LINES)) as image:
        return image.convert("L")


def _lit(page: Image.Image, darkest: float) -> Image.Image:
    """Return the page with light that falls off to the right and downwards."""
    down, right = np.mgrid[0 : page.height, 0 : page.width]
    light = 1 - (1 - darkest) * (0.6 * right / page.width + 0.4 * down / page.height)
    return Image.fromarray((np.asarray(page) * light).astype(np.uint8))


def _on_table(page: Image.Image, askew: float) -> Image.Image:
    table = Image.new("L", (page.width + 400, page.height + 400), 70)
    table.paste(page, (200, 200))
    return table.rotate(askew, resample=Image.Resampling.BICUBIC, fillcolor=70)


def _texts(found: Recognised) -> list[str]:
    return [line.text for line in found.lines]


def test_a_page_in_fading_light_is_read_to_its_dark_corner(tmp_path: Path) -> None:
    assert _texts(recognise(_lit(_page(tmp_path), 0.2), 1, "eng")) == LINES


def test_even_light_is_left_alone(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert evened(page) is page


def test_a_sheet_on_a_table_is_read_with_places_in_the_photograph(tmp_path: Path) -> None:
    photograph = _on_table(_page(tmp_path), 6)
    found = recognise(photograph, 1, "eng")
    assert _texts(found) == LINES
    left, top, right, bottom = found.lines[0].shown
    # The first line's ink begins at (60, 60) of the page, which lies at (200, 200) of the table.
    dx, dy = 260 - photograph.width / 2, 285 - photograph.height / 2
    angle = np.radians(6)
    x = (dx * np.cos(angle) + dy * np.sin(angle)) / photograph.width + 0.5
    y = (dy * np.cos(angle) - dx * np.sin(angle)) / photograph.height + 0.5
    assert left - 0.01 <= x <= right and top <= y <= bottom + 0.01
    assert x - left < 0.03


def test_only_a_sheet_with_edges_is_cut_out(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert sheet_corners(page) is None
    assert sheet_corners(_lit(page, 0.2)) is None
    assert sheet_corners(Image.new("L", (600, 400), 255)) is None
    assert sheet_corners(Image.effect_noise((600, 400), 90)) is None
    corners = sheet_corners(_on_table(page, 0))
    assert corners is not None
    assert corners[0] == pytest.approx((200 / 1800, 200 / (page.height + 400)), abs=0.01)


def test_boxes_of_a_sheet_lead_back(tmp_path: Path) -> None:
    grey = Image.new("L", (1000, 500), 90)
    corners = ((0.1, 0.2), (0.9, 0.1), (0.8, 0.9), (0.2, 0.8))
    assert Sheet(grey, corners).back((0, 0, 1, 1)) == pytest.approx((0.1, 0.1, 0.9, 0.9), abs=1e-6)

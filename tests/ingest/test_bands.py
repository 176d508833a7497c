from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ingest.bands import bands, within


def _long(width: int, height: int) -> Image.Image:
    """Return a picture of rows of ink, 20 pixels high, with 20 white ones between them."""
    rows = np.arange(height)[:, None] // 20 % 2 * 255
    ink = np.where(np.arange(width)[None, :] % 2, 255, rows)
    return Image.fromarray(ink.astype(np.uint8))


def test_a_long_picture_is_cut_between_rows_and_nothing_is_lost() -> None:
    grey = _long(800, 9000)
    parts = list(bands(grey))
    assert len(parts) > 4
    assert sum(band.height for _, band in parts) == 9000
    assert [top for top, _ in parts[1:]] == [top + band.height for top, band in parts[:-1]]
    for top, _ in parts[1:]:
        assert np.asarray(grey)[top].min() == 255


@pytest.mark.parametrize("size", [(2480, 3508), (600, 2400), (400, 3900), (9000, 800)])
def test_pages_and_receipts_are_read_in_one(size: tuple[int, int]) -> None:
    assert [top for top, _ in bands(_long(*size))] == [0]


def test_boxes_of_a_band_lead_back() -> None:
    assert within((0.1, 0.5, 0.2, 1.0), 1000, 500, 2000) == (0.1, 0.625, 0.2, 0.75)

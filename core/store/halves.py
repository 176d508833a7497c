"""Vectors of halves as the database sends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HEADER: Final = 4  # bytes before the values: two 16-bit integers; the values are big-endian


def read_halves(sent: Sequence[bytes]) -> NDArray[np.float32]:
    """Return vectors of one length, shape ``(n, dimensions)``, from their binary form."""
    if not sent:
        return np.empty((0, 0), np.float32)
    joined = np.frombuffer(b"".join(sent), np.uint8)
    values = np.ascontiguousarray(joined.reshape(len(sent), -1)[:, _HEADER:])
    return values.view(">f2").astype(np.float32)

"""How much audio a caller may send: somewhat more than time gives."""

from __future__ import annotations

import time
from typing import Final

from core.errors import RateLimited

_PER_SECOND: Final = 1.5  # seconds of audio
_BURST: Final = 10.0


class AudioBudget:
    """Looking through a second of audio takes 6 ms of the event loop; a flood would take it all."""

    def __init__(self) -> None:
        self._left, self._at = _BURST, time.monotonic()

    def spend(self, seconds: float) -> None:
        """Count what was sent; raises ``RateLimited`` for more than can have been said."""
        moment = time.monotonic()
        self._left = min(_BURST, self._left + (moment - self._at) * _PER_SECOND)
        self._at = moment
        if seconds > self._left:
            raise RateLimited("This is more audio than time; send it as it is said.", "rate")
        self._left -= seconds

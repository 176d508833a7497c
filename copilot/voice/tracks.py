"""The two sides of a conversation on one clock, until they are written."""

from __future__ import annotations

from typing import Final

from core.models.speech.pcm import LISTENING_RATE, SAMPLE_BYTES, both_sides

_LOOSE: Final = LISTENING_RATE // 4  # samples; less lateness than this is the network's
_MOST_AHEAD: Final = 30 * LISTENING_RATE  # of the clock; more cannot have been said


class Tracks:
    """Samples at 16 kHz; moments are counted in samples since the conversation began."""

    def __init__(self) -> None:
        self._heard, self._said = bytearray(), bytearray()
        self._taken = 0

    @property
    def waiting(self) -> int:
        """How many samples of the longer side are here."""
        return max(len(self._heard), len(self._said)) // SAMPLE_BYTES

    def hear(self, pcm: bytes, moment: int) -> None:
        """Take what the caller had said by a moment; small gaps between pieces are closed."""
        start, end = moment - len(pcm) // SAMPLE_BYTES, self._end(self._heard)
        self._place(self._heard, pcm, start if start > end + _LOOSE else end, moment)

    def say(self, pcm: bytes, moment: int) -> None:
        """Take what is played to the caller from a moment on, or after what is played already."""
        self._place(self._said, pcm, max(moment, self._end(self._said)), moment)

    def silence(self, moment: int) -> None:
        """Forget what would have been played after a moment."""
        del self._said[max(0, moment - self._taken) * SAMPLE_BYTES :]

    def heard_until(self) -> int:
        """Return the moment up to which the caller was heard."""
        return self._end(self._heard)

    def until(self, moment: int) -> bytes:
        """Return frames of both sides up to a moment, the caller's sample first."""
        size = max(0, moment - self._taken) * SAMPLE_BYTES
        sides = [bytes(side[:size]).ljust(size, b"\0") for side in (self._heard, self._said)]
        return both_sides(*sides)

    def drop(self, moment: int) -> None:
        """Forget what came before a moment: it is written."""
        size = max(0, moment - self._taken) * SAMPLE_BYTES
        del self._heard[:size]
        del self._said[:size]
        self._taken = max(self._taken, moment)

    def _place(self, side: bytearray, pcm: bytes, start: int, moment: int) -> None:
        if start - moment > _MOST_AHEAD:
            return
        side += bytes((start - self._end(side)) * SAMPLE_BYTES)
        side += pcm

    def _end(self, side: bytearray) -> int:
        return self._taken + len(side) // SAMPLE_BYTES

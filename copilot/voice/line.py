"""What a conversation needs of whatever carries its audio."""

from __future__ import annotations

from typing import Literal, Protocol

EndReason = Literal["closed", "hangup", "limit", "lost", "failed"]


class Line(Protocol):
    """A socket of a browser, a telephone call."""

    async def transcript(self, role: Literal["user", "assistant"], text: str, final: bool) -> None:
        """Tell what was said."""
        ...

    async def play(self, pcm: bytes, seq: int, final: bool) -> None:
        """Send samples at 24 kHz; ``final`` with the last piece of an answer, which is empty."""
        ...

    async def interrupted(self) -> None:
        """Have what was sent and not played yet thrown away."""
        ...

    async def failed(self, code: str, message: str) -> None:
        """Tell what went wrong; the conversation goes on."""
        ...

    async def ended(self, reason: str) -> None:
        """Tell that nothing comes any more."""
        ...

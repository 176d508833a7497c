"""How much one document may cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

MEGABYTE = 1024 * 1024
Ocr = Literal["auto", "force", "off"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one parse; bytes, seconds and pixels.

    ``silence_seconds`` is the longest time without progress (a page, an element),
    ``memory_bytes`` bounds the child's address space beyond what it holds when idle.
    ``max_ratio`` bounds what an archive's members may grow to, against their packed size.
    ``max_pixels`` are those of a page as it is read, ``max_picture_pixels`` those of a picture that
    is opened and made as small. ``max_pictures`` and ``max_picture_seconds`` are for those within
    other documents together. ``max_mail_depth`` is how many mails deep attachments are read.
    """

    silence_seconds: float = 600
    memory_bytes: int = 3 * 1024 * MEGABYTE
    max_pages: int = 5000
    max_file_bytes: int = 2 * 1024 * MEGABYTE
    max_text_file_bytes: int = 64 * MEGABYTE
    max_expanded_bytes: int = 512 * MEGABYTE
    max_members: int = 10_000
    max_ratio: float = 200
    max_pixels: int = 40_000_000
    max_picture_pixels: int = 200_000_000
    max_pictures: int = 200
    max_picture_seconds: float = 900
    max_depth: int = 200
    max_attachments: int = 100
    max_mail_depth: int = 2
    ocr: Ocr = "auto"

    def to_wire(self) -> dict[str, Any]:
        """Return the limits as JSON data for the child process."""
        return asdict(self)

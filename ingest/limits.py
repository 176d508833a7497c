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
    ``memory_bytes`` bounds the child's address space. Within both, what one document may take
    grows with its size and with the pages that were read of it: see :meth:`cpu_seconds` and
    :meth:`memory`. Sizes are those of the opened file, at most 20 times those of the packed one.
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
    base_cpu_seconds: float = 15
    cpu_seconds_per_megabyte: float = 10
    cpu_seconds_per_page: float = 30
    base_memory_bytes: int = 1024 * MEGABYTE
    memory_per_byte: int = 32

    def cpu_seconds(self, size: int, pages: int) -> float:
        """Return the processor time for a file of so many bytes of which so many pages are read."""
        by_size = self.cpu_seconds_per_megabyte * size / MEGABYTE
        return self.base_cpu_seconds + by_size + self.cpu_seconds_per_page * pages

    def memory(self, size: int) -> int:
        """Return the bytes of memory that reading a file of so many bytes may take."""
        return min(self.memory_bytes, self.base_memory_bytes + self.memory_per_byte * size)

    def to_wire(self) -> dict[str, Any]:
        """Return the limits as JSON data for the child process."""
        return asdict(self)

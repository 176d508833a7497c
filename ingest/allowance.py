"""What one document may take of the parser's process, enforced by the kernel."""

from __future__ import annotations

import math
import resource
import time
import zipfile
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from ingest.limits import Limits

TOO_MUCH_TIME: Final = (
    "Reading the document takes more time than its size allows; split it, or save it in a simpler "
    "format."
)
_MOST_OPENED: Final = 20  # times a packed file's own size
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".emf", ".wmf")


class Allowance:
    """Sets the limits of the calling process for one document: processor time and memory.

    Programs that it starts inherit them. A process that is past its time is ended by SIGXCPU.
    """

    def __init__(self, limits: Limits, size: int, memory: MemoryReader) -> None:
        self._limits = limits
        self._memory = memory
        self._size = size
        self._pages = 0
        self._began = time.process_time()
        self._programs_began = _seconds_of_programs()
        self._limit_time()
        self._limit_memory()

    def extend(self, pages: int) -> None:
        """Allow the time of so many pages that were read."""
        if pages > self._pages:
            self._pages = pages
            self._limit_time()

    def is_spent_by_programs(self) -> bool:
        """Whether programs that were started took all of the time."""
        return _seconds_of_programs() - self._programs_began >= self._seconds()

    def _seconds(self) -> float:
        return self._limits.cpu_seconds(self._size, self._pages)

    def _limit_time(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(self._began + self._seconds()), hard))

    def _limit_memory(self) -> None:
        """Bound the address space: what is in use, and what the document may add."""
        held = self._memory.address_space()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if held is not None:
            wanted = min(held + self._limits.memory(self._size), hard)
            resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def opened_size(path: Path) -> int:
    """Return the bytes of a file, of an archive those of its members but for pictures."""
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        return size
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return size
    opened = sum(m.file_size for m in members if not m.filename.lower().endswith(_PICTURES))
    return max(size, min(opened, _MOST_OPENED * size))


def _seconds_of_programs() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class MemoryReader:
    """Reads what this process holds; make it before the jail is entered, which hides /proc."""

    def __init__(self) -> None:
        self._statm: FileIO | None = None
        with suppress(FileNotFoundError):  # not Linux
            self._statm = Path("/proc/self/statm").open("rb", buffering=0)  # noqa: SIM115 - to the end

    def address_space(self) -> int | None:
        """Return the bytes of address space in use, ``None`` where that is not known."""
        return self._read(0)

    def resident(self) -> int:
        """Return the resident bytes.

        The kernel's ``ru_maxrss`` would not do: it begins with what the parent held when it
        started us.
        """
        held = self._read(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if held is None else held

    def _read(self, field: int) -> int | None:
        if self._statm is None:
            return None
        self._statm.seek(0)
        return int(self._statm.read().split()[field]) * resource.getpagesize()

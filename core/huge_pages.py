"""Memory that is there to stay, put into pages of two megabytes instead of four kilobytes.

A model reads its weights from end to end for each question: tens of megabytes, of which the
processor finds each page by a walk through tables, twice as deep in a virtual machine. Nothing but
the time that takes changes. Only Linux is asked, and it may decline.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import structlog

log = structlog.get_logger(__name__)

_SMALL: Final = os.sysconf("SC_PAGE_SIZE")
_HUGE: Final = 2 << 20
_LEAST_PRESENT: Final = 0.95  # of a huge page's small ones; the others would be filled with zeros
_IS_PRESENT: Final = np.uint64(1 << 63)
_MADV_COLLAPSE: Final = 25  # linux/mman.h; since Linux 6.1


def gather() -> int:
    """Move this process's own memory into huge pages, where it is in use throughout.

    Returns how many bytes are in such pages by it; 0 where the system has none or grants none.
    Takes more than a second for a gigabyte; the interpreter's lock is free then. See madvise(2),
    ``MADV_COLLAPSE``, and proc_pid_pagemap(5).
    """
    if not sys.platform.startswith("linux"):
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    try:
        found = [address for bounds in list(_own_memory()) for address in _in_use(*bounds)]
    except OSError as error:  # a sandbox may have no such files
        log.debug("memory stays where it is", error=str(error))
        return 0
    return sum(_HUGE for address in found if madvise(address, _HUGE, _MADV_COLLAPSE) == 0)


def _own_memory() -> Iterator[tuple[int, int]]:
    """Yield the bounds of memory that belongs to no file, as whole huge pages."""
    for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        bounds, rights, _, _, _, *name = line.split(maxsplit=5)
        if rights == "rw-p" and (not name or name == ["[heap]"]):
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
            if start < end:
                yield start, end


def _in_use(start: int, end: int) -> list[int]:
    """Return the addresses of those huge pages of which nearly every small one is present."""
    with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:  # noqa: PTH123 - unbuffered
        told = os.pread(pagemap.fileno(), (end - start) // _SMALL * 8, start // _SMALL * 8)
    is_present = (np.frombuffer(told, np.uint64) & _IS_PRESENT).astype(bool)
    shares = is_present.reshape(-1, _HUGE // _SMALL).mean(axis=1)
    return [start + int(at) * _HUGE for at in np.flatnonzero(shares >= _LEAST_PRESENT)]

"""Memory that is free, given back to the system: the allocator by itself keeps what lies between
things that live, and a process that was busy once would stay large."""

from __future__ import annotations

import asyncio
import ctypes
from typing import Final

_SECONDS: Final = 60


def give_back() -> None:
    """Give back what is free; a few milliseconds, in which the interpreter's lock is free.

    Only glibc has it, malloc_trim(3); with another nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


async def keep_giving_back() -> None:
    """Give back what is free every minute, for ever."""
    while True:
        await asyncio.sleep(_SECONDS)
        await asyncio.to_thread(give_back)

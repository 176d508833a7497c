"""What is in use throughout is moved into huge pages, whole; all else is left as it is."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core import huge_pages

HUGE = 2 << 20
SIZE = 8 * HUGE


@contextmanager
def memory() -> Iterator[tuple[mmap.mmap, int]]:
    """Give memory of its own with its address, which the system tells of by itself.

    Linux makes one mapping of two that are alike and touch: what others then put beside this one
    would be told as its own. Memory left out of core dumps is not like the others.
    """
    block = mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.madvise(mmap.MADV_DONTDUMP)
    view = ctypes.c_char.from_buffer(block)
    address = ctypes.addressof(view)
    del view
    yield block, address
    block.close()


def told(address: int, field: str) -> int:
    """Return the bytes of a field that the system tells of the mapping at an address."""
    is_in = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if "-" in first and not first.endswith(":"):
            start, end = (int(bound, 16) for bound in first.split("-"))
            is_in = start <= address < end
        elif is_in and first == f"{field}:":
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def test_memory_in_use_is_moved_and_holds_what_it_held() -> None:
    content = bytes(range(256)) * (SIZE // 256)
    with memory() as (block, address):
        block[:] = content
        before = told(address, "AnonHugePages")
        moved = huge_pages.gather()
        if not moved:
            pytest.skip("this system grants no huge pages")
        assert told(address, "AnonHugePages") >= max(before, SIZE - 2 * HUGE)
        assert block[:] == content


def test_memory_that_is_hardly_used_does_not_grow() -> None:
    with memory() as (block, address):
        for at in range(0, SIZE, mmap.PAGESIZE * 2):  # every other page
            block[at] = 1
        before = told(address, "Rss")
        huge_pages.gather()
        assert told(address, "Rss") == before


def test_a_system_that_tells_nothing_of_memory_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(*_: object, **__: object) -> str:
        raise PermissionError("not here")

    monkeypatch.setattr(Path, "read_text", closed)
    assert huge_pages.gather() == 0

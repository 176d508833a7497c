"""What a busy hour took is given back, though things that live lie between."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from core import free_memory

MEGABYTE = 1 << 20


def resident() -> int:
    fields = Path("/proc/self/status").read_text().split()
    return int(fields[fields.index("VmRSS:") + 1]) * 1024


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc's allocator")
def test_what_is_free_between_what_lives_is_given_back() -> None:
    busy = [bytes(2_000) for _ in range(60_000)]
    kept = busy[::1_000]
    del busy
    before = resident()
    free_memory.give_back()
    assert before - resident() > 60 * MEGABYTE
    assert len(kept) == 60

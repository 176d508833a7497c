"""An event loop in a thread of its own: for synchronous calls into what is asynchronous."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Begin a coroutine on the background loop."""
    with _lock:  # a cache alone would let two threads begin a loop each
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(coroutine, loop)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and wait for it in the calling thread."""
    return submit(coroutine).result()


@lru_cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="haystack", daemon=True).start()
    return loop


def _forget_after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _loop.cache_clear()


os.register_at_fork(after_in_child=_forget_after_fork)

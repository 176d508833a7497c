"""One event loop a worker process, in a thread of its own: made after fork, fed by Celery."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from core.config import get_settings
from core.services import Services, open_services

T = TypeVar("T")


class Runtime:
    """A running loop with the process's services; tasks of any thread hand it their work."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._running: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()
        self._open = AsyncExitStack()
        try:
            opening = self._open.enter_async_context(open_services(get_settings()))
            self._services: Services = self._submit(opening)
        except BaseException:
            self._end_loop()
            raise

    def run(self, work: Callable[[Services], Coroutine[Any, Any, T]]) -> T:
        """Run ``work`` on the loop and wait for its end in the calling thread.

        Raises what ``work`` raises, and ``concurrent.futures.CancelledError`` after an interrupt.
        """

        async def tracked() -> T:
            task = asyncio.ensure_future(work(self._services))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            return await task

        return self._submit(tracked())

    def interrupt(self) -> None:
        """Cancel what runs, so that it puts its rows back for another process; safe in a signal."""

        def cancel() -> None:
            for task in self._running:
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    def close(self) -> None:
        """Close the services and end the loop."""
        self._submit(self._open.aclose())
        self._end_loop()

    def _submit(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


_runtime: Runtime | None = None
_making = threading.Lock()


def interrupt_runtime() -> None:
    """Interrupt the process's runtime if it was made."""
    if _runtime is not None:
        _runtime.interrupt()


def get_runtime() -> Runtime:
    """Return the process's runtime, made at the first call: after fork, never before."""
    global _runtime
    with _making:
        if _runtime is None:
            _runtime = Runtime()
        return _runtime

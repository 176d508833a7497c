"""A process of its own for a model: loading it and thinking hold Python's lock, which a process
that also serves has not to spare; and its memory is given back with it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Final, ParamSpec, TypeVar

from core.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_TRIES: Final = 2


class Child:
    """Started when first used, and again when it died; it ends with this process, kill -9 too."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Return what a module's function returns there, one call after the other.

        Raises ``ServiceUnavailable`` when it dies of the same call twice.
        """
        assert not named, "calls cross by position"
        for _ in range(_TRIES):
            pool = self._pool = self._pool or _start()
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, work, *args)
            except BrokenProcessPool:
                if self._pool is pool:
                    self._pool = None
        raise ServiceUnavailable(
            "The speech process died twice; look at the machine's memory, then try again."
        )


def _start() -> ProcessPoolExecutor:
    # Not forked: this process has threads, whose locks a fork would copy as they are.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; the parent ends this process
    # With fewer threads than it asks for CTranslate2 leaves a part out, and hears only "!!!!".
    os.environ.pop("OMP_THREAD_LIMIT", None)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

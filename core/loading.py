"""Modules that are large and seldom needed: imported when first used, off the event loop."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Final

_loaded: Final[set[str]] = set()


async def load(*names: str) -> None:
    """Have modules imported, so that an ``import`` of theirs after it takes no time.

    One that another thread is importing is waited for: in ``sys.modules`` it may be half made.
    """
    for name in names:
        if name not in _loaded:
            await asyncio.to_thread(import_module, name)
            _loaded.add(name)

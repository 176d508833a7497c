"""Loading the models while the first requests are already served."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from core import huge_pages
from core.config import Settings
from core.garbage import look_at_new_alone

log = structlog.get_logger(__name__)


@dataclass
class Warmth:
    """Whether this process's models are loaded; ``failure`` says why they never will be."""

    is_warm: bool = False
    failure: str | None = None

    async def warm(self, settings: Settings) -> None:
        """Load the embedding model, what it routes questions by, and litellm off the event loop."""
        from copilot.rules.router import load_requests
        from core.models import chat
        from core.models.embed import get_embedder

        try:
            with _no_collections():
                embedder = await asyncio.to_thread(get_embedder, settings.embedding_model)
                await embedder.load()
                await load_requests()
                await chat.load()
                await asyncio.to_thread(huge_pages.gather)  # what they brought
        except Exception as error:
            self.failure = f"The models cannot be loaded: {error}"
            log.exception("models are cold")
        else:
            self.is_warm = True


@contextmanager
def _no_collections() -> Iterator[None]:
    """Collect no garbage while modules load, and then no more look at what they brought.

    Imports make no garbage to speak of, but a quarter of their processor time would go into
    looking for it.
    """
    gc.disable()
    try:
        yield
    finally:
        look_at_new_alone()
        gc.enable()


warmth: Final = Warmth()  # of the process, as the loaded model is

"""llama.cpp by xllamacpp: one model in this process, one answer at a time, stopped when asked."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final, Protocol

CONTEXT_TOKENS: Final = 8192
_BATCH: Final = 128  # tokens read at once: between two batches an answer can be stopped
_CACHE_MIB: Final = 512  # of other prompts' beginnings, beside the last one's


class Engine(Protocol):
    """Something that answers a request in OpenAI's form, in chunks of that form."""

    def stream(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]: ...


class LlamaEngine:
    """Weights in memory. The constructor takes seconds and raises what the library does."""

    def __init__(self, weights: Path, threads: int) -> None:
        import xllamacpp

        count = threads or os.cpu_count() or 1
        params = xllamacpp.CommonParams()
        params.model.path = str(weights)
        params.n_ctx, params.n_parallel = CONTEXT_TOKENS, 1
        params.n_batch = params.n_ubatch = _BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = count
        params.cache_ram_mib = _CACHE_MIB
        params.ui, params.warmup, params.verbosity = False, False, 1
        # The library opens a port of its own whatever one does: nobody is to use it.
        params.api_keys = [secrets.token_urlsafe(32)]
        self._server = xllamacpp.Server(params)

    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield chunks; closing the generator stops the answer, and waits until it has stopped."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        is_stopped = threading.Event()

        def take(chunk: dict[str, Any]) -> bool:
            loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            return is_stopped.is_set()

        def work() -> None:
            try:
                self._server.handle_chat_completions({**body, "return_progress": True}, take)
            finally:
                loop.call_soon_threadsafe(chunks.put_nowait, None)

        running = asyncio.create_task(asyncio.to_thread(work))
        try:
            while (chunk := await chunks.get()) is not None:
                if "prompt_progress" not in chunk:  # asked for only so as to be stopped meanwhile
                    yield chunk
            await running
        finally:
            is_stopped.set()
            await asyncio.wait([running])

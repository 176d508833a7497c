"""The door to embedding models: texts in, unit vectors out, never on the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, lru_cache
from typing import Final, TypeVar

import numpy as np

from core.config import Settings, get_settings
from core.fair_limiter import FairLimiter, FairQueue
from core.models import export, loading, questions
from core.models.loading import LoadedModel, Vectors

_T = TypeVar("_T")

_FEW_PASSAGES: Final = 2  # that others' questions wait for
_MOST_PASSAGES: Final = 32  # that a bulk thread takes: among many, more are of like length
_QUERY_BATCH: Final = 64
_BULK_BATCHES: Final = 2  # of a bulk thread: one that it works on, one that waits for it
_REMEMBERED: Final = 256  # questions: page by page, mode by mode, the same is asked again


class Embedder:
    """One model in one process, with threads of its own.

    Questions are embedded by one thread, with weights of 8 bits where those serve
    (``core.models.questions``); what is kept is embedded with the whole ones. ``bulk`` is for
    processes that do little else: several embed documents side by side, each with a copy of the
    model's small parts, since a tokenizer bears no two. Made and called from any event loop; the
    model is loaded at the first use, so an instance may be made early but must not cross a fork
    once used. Workspaces share it by turns; calls without one share a turn.
    """

    def __init__(self, model_name: str, settings: Settings, *, bulk: bool = False) -> None:
        self.model_name = model_name
        self._settings = settings
        self._is_bulk = bulk
        self._runners = _runners(settings) if bulk else 1
        self._threads = 1 if bulk else settings.embedding_threads  # of a runner
        self._most = _MOST_PASSAGES if bulk else _FEW_PASSAGES
        self._models = threading.local()
        self._executor = ThreadPoolExecutor(self._runners, thread_name_prefix="embed")
        self._batches = FairLimiter(self._runners * (_BULK_BATCHES if bulk else 1))
        self._waiting: FairQueue[tuple[str, Future[Vectors]]] = FairQueue()
        self._answering = 0  # questions that the model works on
        self._asked: dict[str, Future[Vectors]] = {}  # the last asked at the end
        self._lock = threading.Lock()

    @property
    def dimensions(self) -> int:
        """Length of the vectors. Reads a file, or exports the model if that was never done."""
        return self._exported.dimensions

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that the model reads; the rest is cut off."""
        return self._exported.max_tokens

    @cached_property
    def _exported(self) -> export.ExportedModel:
        return export.export(self.model_name, self._settings)

    async def load(self) -> None:
        """Load and warm the model, so that the first question need not wait for it."""
        await self.embed_query("warm")

    async def embed_documents(self, texts: Sequence[str], workspace_id: str = "") -> Vectors:
        """Return float32 unit vectors, shape ``(len(texts), dimensions)``, in the given order."""
        return await self._embed(texts, self._whole, workspace_id)

    async def embed_passing(self, texts: Sequence[str], workspace_id: str = "") -> Vectors:
        """Do the same for texts that are compared once and not kept: quicker, and a little off."""
        return await self._embed(texts, self._small, workspace_id)

    async def _embed(
        self, texts: Sequence[str], loaded: Callable[[], LoadedModel], workspace_id: str
    ) -> Vectors:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        dimensions = await self._run(lambda: self.dimensions)
        vectors = np.empty((len(texts), dimensions), dtype=np.float32)

        async def embed(batch: list[int]) -> None:
            chosen = [texts[i] for i in batch]
            async with self._batches.slot(workspace_id):
                vectors[batch] = await self._run(lambda: loaded().documents(chosen))

        share = max(1, min(self._most, -(-len(order) // self._runners)))
        starts = range(0, len(order), share)
        await asyncio.gather(*(embed(order[at : at + share]) for at in starts))
        return vectors

    async def embed_query(self, text: str, workspace_id: str = "") -> Vectors:
        """Return the float32 unit vector of a question, shape ``(dimensions,)``, not to be changed.

        Questions that come while the model is busy are answered together in its next turn; the
        last ones are remembered.
        """
        return await asyncio.shield(asyncio.wrap_future(self.begin_query(text, workspace_id)))

    def begin_query(self, text: str, workspace_id: str = "") -> Future[Vectors]:
        """Begin to embed a question that will be asked for in a moment."""
        with self._lock:
            known = self._asked.pop(text, None)
            if known is not None and not (known.done() and known.exception()):
                self._asked[text] = known
                return known
            future = self._asked[text] = Future()
            self._waiting.put(workspace_id, (text, future))
            if len(self._asked) > _REMEMBERED:
                del self._asked[next(iter(self._asked))]
        self._executor.submit(self._answer_waiting)
        return future

    @property
    def is_crowded(self) -> bool:
        """Whether several questions are being embedded: the processors have enough to do."""
        return self._answering + len(self._waiting) > 1

    async def count_tokens(self, texts: Sequence[str], workspace_id: str = "") -> list[int]:
        """Return how many tokens each text has for the model, uncut, special tokens included."""
        async with self._batches.slot(workspace_id):
            return await self._run(lambda: self._at_hand().token_counts(texts))

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _answer_waiting(self) -> None:
        with self._lock:
            batch = self._waiting.pop_many(_QUERY_BATCH)
            self._answering = len(batch)
        if not batch:
            return  # an earlier turn took them
        try:
            vectors = self._encode_queries([text for text, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised again where the answer is awaited
            for _, future in batch:
                future.set_exception(error)
            return
        finally:
            self._answering = 0
        for (_, future), vector in zip(batch, vectors, strict=True):
            future.set_result(vector)

    def _encode_queries(self, texts: list[str]) -> Vectors:
        return self._small().questions(texts)

    def _whole(self) -> LoadedModel:
        """Return this thread's model."""
        return self._loaded("whole", lambda: loading.load(self._exported.path, self._threads))

    def _small(self) -> LoadedModel:
        """Return this thread's model for what is not kept."""
        path = self._exported.path
        return self._loaded("small", lambda: questions.load(path, self._threads) or self._whole())

    def _at_hand(self) -> LoadedModel:
        """Return the model that this embedder uses anyway: they have the same tokenizer."""
        return self._whole() if self._is_bulk else self._small()

    def _loaded(self, name: str, load: Callable[[], LoadedModel]) -> LoadedModel:
        loaded: LoadedModel | None = getattr(self._models, name, None)
        if loaded is None:
            loaded = load()
            setattr(self._models, name, loaded)
        return loaded


def get_embedder(model_name: str | None = None, *, bulk: bool = False) -> Embedder:
    """Return this process's embedder of a model, by default the configured one."""
    return _embedder(model_name or get_settings().embedding_model, bulk)


@lru_cache
def _embedder(model_name: str, bulk: bool) -> Embedder:
    return Embedder(model_name, get_settings(), bulk=bulk)


def _runners(settings: Settings) -> int:
    return settings.embedding_worker_threads or os.cpu_count() or 1


os.register_at_fork(after_in_child=_embedder.cache_clear)

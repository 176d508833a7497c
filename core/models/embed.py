"""The door to embedding models: texts in, unit vectors out, never on the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core import huge_pages
from core.config import Settings, forbid_phoning_home, get_settings
from core.models import export
from core.models.lean import only_inference
from core.models.short_way import Encode, short_way

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
_T = TypeVar("_T")

_AT_ONCE: Final = 2  # passages of like length: what is worked on stays in a core's own cache
_MOST_PASSAGES: Final = 32  # that a bulk thread takes: among many, more are of like length
_QUERY_BATCH: Final = 64
_REMEMBERED: Final = 256  # questions: page by page, mode by mode, the same is asked again


class Embedder:
    """One model in one process, with threads of its own.

    Questions are embedded by one thread. ``bulk`` is for processes that do little else: several
    embed documents side by side, each with a copy of the model's small parts, since a tokenizer
    bears no two. Made and called from any event loop; the model is loaded at the first use, so an
    instance may be made early but must not cross a fork once used.
    """

    def __init__(self, model_name: str, settings: Settings, *, bulk: bool = False) -> None:
        self.model_name = model_name
        self._settings = settings
        self._runners = _runners(settings) if bulk else 1
        self._threads = 1 if bulk else settings.embedding_threads  # of a runner
        self._most = _MOST_PASSAGES if bulk else _AT_ONCE  # questions wait for no more than these
        self._models = threading.local()
        self._executor = ThreadPoolExecutor(self._runners, thread_name_prefix="embed")
        self._waiting: list[tuple[str, Future[Vectors]]] = []
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

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32 unit vectors, shape ``(len(texts), dimensions)``, in the given order."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        dimensions = await self._run(lambda: self.dimensions)
        vectors = np.empty((len(texts), dimensions), dtype=np.float32)

        async def embed(batch: list[int]) -> None:
            encode = partial(self._encode_documents, [texts[i] for i in batch])
            vectors[batch] = await self._run(encode)

        share = max(1, min(self._most, -(-len(order) // self._runners)))
        starts = range(0, len(order), share)
        await asyncio.gather(*(embed(order[at : at + share]) for at in starts))
        return vectors

    async def embed_query(self, text: str) -> Vectors:
        """Return the float32 unit vector of a question, shape ``(dimensions,)``, not to be changed.

        Questions that come while the model is busy are answered together in its next turn; the
        last ones are remembered.
        """
        return await asyncio.shield(asyncio.wrap_future(self.begin_query(text)))

    def begin_query(self, text: str) -> Future[Vectors]:
        """Begin to embed a question that will be asked for in a moment."""
        with self._lock:
            known = self._asked.pop(text, None)
            if known is not None and not (known.done() and known.exception()):
                self._asked[text] = known
                return known
            future = self._asked[text] = Future()
            self._waiting.append((text, future))
            if len(self._asked) > _REMEMBERED:
                del self._asked[next(iter(self._asked))]
        self._executor.submit(self._answer_waiting)
        return future

    @property
    def is_crowded(self) -> bool:
        """Whether several questions are being embedded: the processors have enough to do."""
        return self._answering + len(self._waiting) > 1

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has for the model, uncut, special tokens included."""
        return await self._run(lambda: self._count_tokens(list(texts)))

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _answer_waiting(self) -> None:
        with self._lock:
            batch = self._waiting[:_QUERY_BATCH]
            del self._waiting[:_QUERY_BATCH]
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

    def _encode_documents(self, texts: list[str]) -> Vectors:
        model, encode = self._loaded()
        if encode:
            return encode(texts, _AT_ONCE)
        return _long_way(model.encode_document, texts, _AT_ONCE)

    def _encode_queries(self, texts: list[str]) -> Vectors:
        model, encode = self._loaded()
        return encode(texts) if encode else _long_way(model.encode_query, texts, len(texts))

    def _count_tokens(self, texts: list[str]) -> list[int]:
        model, _ = self._loaded()
        encoded = model.tokenizer(texts, truncation=False, padding=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _loaded(self) -> tuple[SentenceTransformer, Encode | None]:
        """Return this thread's model, and the short way through it where there is one."""
        loaded: tuple[SentenceTransformer, Encode | None] | None
        loaded = getattr(self._models, "loaded", None)
        if loaded is None:
            with loading:
                model = _load(self._exported, self._threads)
                loaded = self._models.loaded = model, short_way(model)
                huge_pages.gather()  # the weights
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

loading: Final = threading.Lock()  # the libraries' lazy imports bear no two threads


def _long_way(encode: Callable[..., Any], texts: list[str], at_once: int) -> Vectors:
    found = encode(texts, batch_size=at_once, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(found, dtype=np.float32)


def _load(exported: export.ExportedModel, threads: int) -> SentenceTransformer:
    forbid_phoning_home(get_settings())
    import torch
    from onnxruntime import SessionOptions

    torch.set_num_threads(threads)  # it only pools and normalises
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the largest batch's memory for good
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with only_inference():
        from sentence_transformers import SentenceTransformer

        model: SentenceTransformer = SentenceTransformer(
            str(exported.path),
            device="cpu",
            backend="onnx",
            local_files_only=True,
            model_kwargs={"provider": "CPUExecutionProvider", "session_options": options},
        )
    return model

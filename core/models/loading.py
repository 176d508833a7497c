"""Exported embedding models, loaded: whole, or with weights of 8 bits where those say the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core import huge_pages
from core.config import forbid_phoning_home, get_settings
from core.models.lean import only_inference
from core.models.short_way import Encode, short_way

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

WHOLE: Final = "model.onnx"
SMALL: Final = "questions.onnx"
lock: Final = threading.Lock()  # the libraries' lazy imports bear no two threads

# Of like length, that share a run. What is worked on stays in a core's own cache; of many questions
# one would fill up the others.
_PASSAGES_AT_ONCE: Final = 2
_QUESTIONS_AT_ONCE: Final = 8


@dataclass(frozen=True)
class LoadedModel:
    """A model, and the short way through it where there is one. For one thread at a time."""

    model: SentenceTransformer
    encode: Encode | None

    def questions(self, texts: Sequence[str]) -> Vectors:
        """Return float32 unit vectors, shape ``(texts, dimensions)``."""
        return self._vectors(self.model.encode_query, texts, _QUESTIONS_AT_ONCE)

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32 unit vectors, shape ``(texts, dimensions)``."""
        return self._vectors(self.model.encode_document, texts, _PASSAGES_AT_ONCE)

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, uncut, special tokens included."""
        told = self.model.tokenizer(list(texts), truncation=False, padding=False, verbose=False)
        return [len(ids) for ids in told["input_ids"]]

    def _vectors(self, long: Callable[..., Any], texts: Sequence[str], at_once: int) -> Vectors:
        if self.encode:
            return self.encode(texts, at_once)
        found = long(
            list(texts), batch_size=at_once, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(found, dtype=np.float32)


def load(directory: Path, threads: int, file: str = WHOLE) -> LoadedModel:
    """Load a model from its directory. Slow: seconds; one at a time in a process."""
    with lock:
        model = _load(directory, threads, file)
        loaded = LoadedModel(model, short_way(model))
        huge_pages.gather()  # the weights
    return loaded


def _load(directory: Path, threads: int, file: str) -> SentenceTransformer:
    forbid_phoning_home(get_settings())
    import torch
    from onnxruntime import SessionOptions

    torch.set_num_threads(threads)  # it only pools and normalises
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the largest batch's memory for good
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = {"file_name": file, "provider": "CPUExecutionProvider", "session_options": options}
    with only_inference():
        from sentence_transformers import SentenceTransformer

        model: SentenceTransformer = SentenceTransformer(
            str(directory), device="cpu", backend="onnx", local_files_only=True, model_kwargs=chosen
        )
    return model

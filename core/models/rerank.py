"""The door to reranking models: cross-encoders, which read a question and a passage together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.config import Settings, forbid_phoning_home, get_settings
from core.fair_limiter import FairLimiter
from core.models import loading
from core.models.lean import only_inference

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCH: Final = 8
_LONGEST_QUESTION: Final = 2_000  # characters; a passage is at most a chunk


class Reranker:
    """One cross-encoder in one process, with a thread of its own; loaded at the first use."""

    def __init__(self, model_name: str, settings: Settings) -> None:
        self.model_name = model_name
        self._settings = settings
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="rerank")
        self._slots = FairLimiter(1)
        self._model: CrossEncoder | None = None

    async def scores(
        self, question: str, passages: Sequence[str], workspace_id: str = ""
    ) -> list[float]:
        """Return how well each passage answers the question, 0 to 1, in the given order."""
        if not passages:
            return []
        pairs = [(question[:_LONGEST_QUESTION], passage) for passage in passages]
        loop = asyncio.get_running_loop()
        async with self._slots.slot(workspace_id):
            return await loop.run_in_executor(self._executor, self._predict, pairs)

    def _predict(self, pairs: Any) -> list[float]:
        import torch

        found = self._loaded().predict(
            pairs, batch_size=_BATCH, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False
        )
        return [float(score) for score in found]

    def _loaded(self) -> CrossEncoder:
        if self._model is None:
            forbid_phoning_home(self._settings)
            with loading.lock, only_inference():
                from sentence_transformers import CrossEncoder

                self._model = CrossEncoder(
                    self.model_name,
                    device="cpu",
                    num_labels=1,
                    local_files_only=Path(self.model_name).is_dir(),
                )
        return self._model


def get_reranker() -> Reranker | None:
    """Return this process's reranker, ``None`` where no model is set."""
    name = get_settings().rerank_model
    return _reranker(name) if name else None


@lru_cache
def _reranker(model_name: str) -> Reranker:
    return Reranker(model_name, get_settings())

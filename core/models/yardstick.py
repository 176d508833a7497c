"""sentence-transformers as it comes: what rates of ingestion are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

from core.config import forbid_phoning_home, get_settings
from core.models import export
from core.models.lean import only_inference
from core.models.loading import WHOLE

_WARM: Final = 32  # texts, one batch


def encoding_seconds(texts: Sequence[str]) -> float:
    """Return how long the library's ``encode`` takes for texts: the configured model's whole
    weights by ONNX, on all processors, batches and threads as the library has them. Blocks."""
    settings = get_settings()
    forbid_phoning_home(settings)
    exported = export.export(settings.embedding_model, settings)
    chosen: dict[str, Any] = {"file_name": WHOLE, "provider": "CPUExecutionProvider"}
    with only_inference():
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(
            str(exported.path),
            device="cpu",
            backend="onnx",
            local_files_only=True,
            model_kwargs=chosen,
        )
    model.encode(list(texts[:_WARM]), show_progress_bar=False)
    started = perf_counter()
    model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return perf_counter() - started

"""Libraries by themselves, on the same work in the same minutes: what figures are held against."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

from core.config import forbid_phoning_home, get_settings
from core.models import export
from core.models.loading import WHOLE

_WARM: Final = 32  # texts, one batch


def encoding_seconds(texts: Sequence[str]) -> float:
    """Return how long sentence-transformers takes for texts: the configured model's whole weights
    by ONNX, on all processors, batches and threads as the library has them. Blocks."""
    from sentence_transformers import SentenceTransformer

    settings = get_settings()
    forbid_phoning_home(settings)
    exported = export.export(settings.embedding_model, settings)
    chosen: dict[str, Any] = {"file_name": WHOLE, "provider": "CPUExecutionProvider"}
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


async def haystack_runs_per_second(blocks: int, seconds: float = 2.0) -> float:
    """Return how often raw Haystack runs a compiled chain of ``blocks`` no-ops in a second."""
    from haystack import Pipeline, component

    @component
    class NoOp:
        @component.output_types(value=dict[str, Any])
        def run(self, value: dict[str, Any]) -> dict[str, Any]:
            return {"value": value}

        @component.output_types(value=dict[str, Any])
        async def run_async(self, value: dict[str, Any]) -> dict[str, Any]:
            return {"value": value}

    pipeline = Pipeline()
    for number in range(blocks):
        pipeline.add_component(f"b{number}", NoOp())
        if number:
            pipeline.connect(f"b{number - 1}.value", f"b{number}.value")
    await pipeline.run_async({"b0": {"value": {}}})  # the first loads what Haystack loads late
    runs, started = 0, perf_counter()
    while perf_counter() - started < seconds:
        await pipeline.run_async({"b0": {"value": {}}})
        runs += 1
    return runs / (perf_counter() - started)

"""Questions have small weights of their own, where those say what the whole ones say."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.config import get_settings
from core.models import export, loading, questions
from core.models.embed import Embedder
from tests.tiny_model import make_tiny_model

TEXTS = [
    "Who approves the budget?",
    "cash flow in 2023",
    "Wann endet die Frist?",
    "The boatyard repairs hulls in winter. Its prices rise by 3 % each year, but for members. "
    * 20,
]


@pytest.fixture
def embedder() -> Embedder:
    return Embedder(get_settings().embedding_model, get_settings())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packaged model's export, which may be spoilt."""
    packaged = export.export(get_settings().embedding_model, get_settings()).path
    return Path(shutil.copytree(packaged, tmp_path / "copy"))


async def test_a_question_is_near_the_same_text_as_a_document(embedder: Embedder) -> None:
    asked = np.stack([await embedder.embed_query(text) for text in TEXTS])
    kept = await embedder.embed_documents(TEXTS)
    cosines = (asked * kept).sum(axis=1)
    assert cosines.min() > 0.998
    assert not np.allclose(asked, kept, atol=1e-5), "other weights"
    passing = await embedder.embed_passing(TEXTS)
    assert (passing * asked).sum(axis=1).min() > 0.9998


async def test_a_vector_does_not_depend_on_what_is_asked_beside_it(embedder: Embedder) -> None:
    alone = [await embedder.embed_query(text) for text in TEXTS]
    embedder._asked.clear()
    together = await asyncio.gather(*map(embedder.embed_query, TEXTS))
    # A product's sums are rounded by where in a run they stand, and then a byte may be the next.
    assert (np.stack(alone) * np.stack(together)).sum(axis=1).min() > 0.9998


def test_the_whole_weights_serve_where_the_small_ones_say_something_else(copy: Path) -> None:
    known = np.load(copy / "questions.npy")
    assert questions.load(copy, 1) is not None
    np.save(copy / "questions.npy", np.roll(known, 1, axis=0))
    assert questions.load(copy, 1) is None


def test_an_export_keeps_no_small_weights_that_do_not_serve(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loading.load(copy, 1).model
    small = copy / "onnx" / "questions.onnx"
    small.unlink()
    questions.add(copy, model)
    assert small.exists()
    monkeypatch.setattr("core.models.questions._NEAR", 1.1)
    questions.add(copy, model)
    assert not small.exists()
    assert questions.load(copy, 1) is None


@pytest.mark.parametrize("error", [ValueError("no matrices"), RuntimeError("an odd graph")])
def test_a_model_that_cannot_be_made_smaller_is_exported_all_the_same(
    copy: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(whole: Path, small: Path, samples: object) -> None:
        small.write_bytes(b"half")
        raise error

    model = loading.load(copy, 1).model
    monkeypatch.setattr("core.models.questions.quantize", refuse)
    questions.add(copy, model)
    assert not (copy / "onnx" / "questions.onnx").exists()
    assert questions.load(copy, 1) is None


async def test_a_process_that_only_asks_does_not_load_the_whole_weights(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(embedder, "_whole", refuse)
    await embedder.load()
    await embedder.embed_passing(["Paid in March."])
    assert await embedder.count_tokens(["one two"]) == [4]


async def test_a_model_of_other_sizes_answers_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = await asyncio.to_thread(make_tiny_model, tmp_path, 8)
    monkeypatch.setattr(export, "roots", lambda settings: (tmp_path / "a", tmp_path / "b"))
    tiny = Embedder(str(directory), get_settings())
    asked, (kept,) = await tiny.embed_query("cash flow"), await tiny.embed_documents(["cash flow"])
    assert float(asked @ kept) > 0.99

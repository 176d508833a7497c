"""The short way gives what sentence-transformers gives, or is not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.config import get_settings
from core.models.embed import Embedder
from core.models.short_way import short_way


@pytest.fixture(scope="module")
def model() -> Any:
    embedder = Embedder(get_settings().embedding_model, get_settings())
    return embedder._whole().model


async def test_it_gives_the_same_vectors_alone_and_in_a_batch(model: Any) -> None:
    encode = short_way(model)
    assert encode is not None
    texts = ["Cash flow?", "", "  ÜBER uns\n", "Revenue grew by 5 %. " * 200, "कुल आय 売上高"]
    known = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    together = encode(texts)
    assert together.dtype == np.float32
    assert np.allclose(together, known, atol=1e-5)
    assert np.allclose(np.concatenate([encode([text]) for text in texts]), known, atol=1e-5)


async def test_texts_of_like_length_share_a_run_and_keep_their_places(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = short_way(model)
    assert encode is not None
    session = model[0].auto_model.session
    shapes = []

    def run(names: list[str], given: dict[str, Any]) -> Any:
        shapes.append(given["input_ids"].shape)
        return type(session).run(session, names, given)

    monkeypatch.setattr(session, "run", run)
    # In tokens the first and the third, the second and the last are alike; in characters not.
    texts = ["a b c d e f g h", "a b c", "internationally " * 8, "incomprehensible"]
    apart = np.concatenate([encode([text]) for text in texts])
    del shapes[:]
    assert np.allclose(encode(texts, 2), apart, atol=1e-5)
    counts = sorted(len(model.tokenizer(text)["input_ids"]) for text in texts)
    assert shapes == [(2, counts[1]), (2, counts[3])]


@pytest.mark.parametrize(
    "change",
    [
        lambda patch, model: patch.setitem(model.prompts, "query", "query: "),
        lambda patch, model: patch.setattr(model[1], "pooling_mode", "cls"),
        lambda patch, model: patch.setattr(model, "encode", lambda texts, **_: np.ones((1, 1))),
        lambda patch, model: patch.delattr(model[0].auto_model, "session"),
    ],
    ids=["a prompt", "another pooling", "other vectors", "another backend"],
)
def test_a_model_of_another_make_goes_the_long_way(
    model: Any, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch, Any], None]
) -> None:
    change(monkeypatch, model)
    assert short_way(model) is None


async def test_the_long_way_serves_where_there_is_no_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embedder = Embedder(get_settings().embedding_model, get_settings())
    by_short = await embedder.embed_query("Who approves it?")
    monkeypatch.setattr("core.models.loading.short_way", lambda model: None)
    by_long = Embedder(get_settings().embedding_model, get_settings())
    assert np.allclose(await by_long.embed_query("Who approves it?"), by_short, atol=1e-5)
    assert (await by_long.embed_documents(["It is approved."])).shape == (1, by_long.dimensions)

from __future__ import annotations

from pathlib import Path

import pytest

import pipelines.search as searching
from core.config import get_settings
from core.errors import ValidationFailed
from core.models.rerank import Reranker
from core.store.unit import Store
from pipelines.search import SearchQuery, reranking, search
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base
from tests.tiny_model import make_tiny_reranker


class _Longest(Reranker):
    """Prefers the longest passage."""

    def __init__(self) -> None:
        super().__init__("longest", get_settings())

    def _predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        return [len(passage) / 100 for _, passage in pairs]


@pytest.fixture(autouse=True)
def words_for_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())


async def test_the_models_order_counts_and_its_score_is_shown(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await make_base(store, owner.workspace_id)
    for text in ("walrus", "the walrus on ice", "a walrus that sleeps on the ice of the north"):
        await add_document(store, base, [text])
    monkeypatch.setattr(reranking, "get_reranker", _Longest)
    query = SearchQuery("walrus", rerank=True, top_k=2)
    answer = await search(store, owner.workspace_id, [base.id], query)
    assert [len(hit.content) for hit in answer.results] == [44, 17]
    assert [hit.scores.rerank for hit in answer.results] == [0.44, 0.17]
    assert [hit.score for hit in answer.results] == [0.44, 0.17]
    least = SearchQuery("walrus", rerank=True, min_score=0.4)
    assert len((await search(store, owner.workspace_id, [base.id], least)).results) == 1


async def test_what_lies_too_deep_to_be_read_stays_behind(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, [f"walrus number {n}" for n in range(40)])
    monkeypatch.setattr(reranking, "get_reranker", _Longest)
    query = SearchQuery("walrus", rerank=True, top_k=40)
    results = (await search(store, owner.workspace_id, [base.id], query)).results
    assert [hit.scores.rerank is None for hit in results] == [False] * 30 + [True] * 10
    scores = [hit.score for hit in results]
    assert scores == sorted(scores, reverse=True)


async def test_without_a_model_it_is_refused(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    with pytest.raises(ValidationFailed, match="NUXA_RERANK_MODEL"):
        await search(store, owner.workspace_id, [base.id], SearchQuery("x", rerank=True))


async def test_a_real_cross_encoder_scores_pairs(tmp_path: Path) -> None:
    reranker = Reranker(str(make_tiny_reranker(tmp_path / "model")), get_settings())
    scores = await reranker.scores("cash", ["cats", "cash flow", ""])
    assert len(scores) == 3
    assert all(0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 1
    assert await reranker.scores("cash", []) == []

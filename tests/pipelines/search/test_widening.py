from __future__ import annotations

from dataclasses import replace

import pytest

import pipelines.search as searching
from core.store.unit import Store
from pipelines.search import Hit, Scores, SearchQuery, search
from pipelines.search.widening import fused, search_widely
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base


@pytest.fixture(autouse=True)
def words_for_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())


async def test_other_words_find_what_the_asked_ones_do_not(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    for text in ("the walrus on ice", "odobenus is its name", "a train leaves at noon"):
        await add_document(store, base, [text])
    query = SearchQuery("walrus", mode="keyword", top_k=2)
    plain = await search(store, owner.workspace_id, [base.id], query)
    wide = await search_widely(store, owner.workspace_id, [base.id], query, ["odobenus name"])
    assert [hit.content for hit in plain.results] == ["the walrus on ice"]
    assert [hit.content for hit in wide.results] == ["the walrus on ice", "odobenus is its name"]
    assert [hit.score for hit in wide.results] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert wide.timings["totalMs"] > 0
    same = await search_widely(store, owner.workspace_id, [base.id], query, [])
    assert same.results == plain.results


def _hit(name: str, document: str) -> Hit:
    scores = Scores(vector=0.5, keyword=1.0)
    return Hit(name, document, "d.txt", name, 0.5, scores, 0, {}, None, None, 0, 1, [])


def test_what_every_ranking_has_first_scores_one() -> None:
    a, b, c = _hit("a", "1"), _hit("b", "1"), _hit("c", "2")
    ranked = fused([[a, b], [replace(a, score=0.1), c]], by_document=False)
    assert [hit.id for hit in ranked] == ["a", "b", "c"]
    assert ranked[0].score == pytest.approx(1.0)
    assert ranked[0].scores == a.scores
    assert [hit.id for hit in fused([[b, c], [a]], by_document=True)] == ["b", "c"]

"""What a search looks for, and in which order, as its measurer is asked."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import numpy as np
import pytest
from numpy.typing import NDArray

import pipelines.search as searching
from core.store.unit import Store, Unit
from pipelines.search import SearchQuery, search
from pipelines.search.candidates import Measurer
from pipelines.search.ranking import Candidates
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base


@pytest.fixture(autouse=True)
def words_for_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())


async def test_what_words_found_is_measured_early_or_late_with_the_same_results(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await make_base(store, owner.workspace_id)
    for number in range(130):
        await add_document(store, base, [f"walrus {number} sleeps", f"seal {number} swims"])
    query = SearchQuery("where does walrus 7 or 12 sleep?", top_k=20)
    measured: list[int] = []
    scored = Measurer.scored

    async def counting(self: Measurer, unit: Unit, found: Mapping[int, float]) -> Candidates:
        measured.append(len(found))
        return await scored(self, unit, found)

    monkeypatch.setattr(Measurer, "scored", counting)
    early = await search(store, owner.workspace_id, [base.id], query)
    assert measured == [100]
    ready: Future[NDArray[np.float32]] = Future()
    ready.set_result(np.empty(0, np.float32))
    monkeypatch.setattr(WordEmbedder, "begin_query", lambda *_: ready)
    late = await search(store, owner.workspace_id, [base.id], query)
    assert len(measured) == 1
    assert [(hit.id, hit.score) for hit in early.results] == [
        (hit.id, hit.score) for hit in late.results
    ]


@pytest.mark.parametrize(
    ("question", "top_k", "looks"),
    [
        ("where does a walrus sleep?", 10, [48, 30]),
        ("where does a walrus sleep?", 20, [80, 60]),
        ("where does a walrus sleep?", 60, [100, 100]),
        ("qui dort?", 10, [None, 30]),  # no word of it is found: meaning alone has to find it
    ],
)
async def test_fewer_of_the_nearest_are_looked_for_where_words_have_found_theirs(
    store: Store,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    top_k: int,
    looks: list[int | None],
) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, [f"walrus {number} sleeps" for number in range(130)])
    asked: list[int | None] = []
    near = Measurer.near

    async def noting(
        self: Measurer,
        unit: Unit,
        vector: NDArray[np.float32],
        scored: Mapping[int, float] | None = None,
        depth: int | None = None,
    ) -> Candidates:
        asked.append(depth)
        return await near(self, unit, vector, scored, depth)

    monkeypatch.setattr(Measurer, "near", noting)
    query = SearchQuery(question, top_k=top_k)
    found = await search(store, owner.workspace_id, [base.id], query)
    assert asked == looks
    assert len(found.results) == top_k

"""Keyword search in seven languages, on the sets that ``python -m evals retrieval`` reads too."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

import evals
from core.store.unit import Store
from evals.cases import load_retrieval
from evals.metrics import recall
from pipelines.search import SearchQuery, search
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

_SETS = Path(evals.__file__).parent / "data" / "languages"


@pytest.mark.parametrize("language", ["ar", "de", "ja", "ko", "ru", "th", "zh"])
async def test_nine_of_ten_answers_are_found_by_their_words(
    store: Store, owner: Owner, language: str
) -> None:
    cases = load_retrieval(_SETS / language, None, None)
    assert len(cases.queries) >= 30
    base = await make_base(store, owner.workspace_id, language)
    await add_document(store, base, [text.text for text in cases.corpus])
    found = []
    for query, text in cases.queries.items():
        ask = SearchQuery(text, top_k=10, mode="keyword")
        answer = await search(store, owner.workspace_id, [base.id], ask)
        ranking = [cases.corpus[hit.chunk_index].id for hit in answer.results]
        found.append(recall(ranking, cases.relevant[query], 10))
    assert fmean(found) >= 0.9

from __future__ import annotations

import pytest
import structlog

import pipelines.search as searching
from core.errors import NotFound, ValidationFailed
from core.store.documents import Document
from core.store.unit import Store
from pipelines.search import SearchQuery, search
from pipelines.search.query import Mode
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base

MODES: tuple[Mode, ...] = ("hybrid", "vector", "keyword")


@pytest.fixture(autouse=True)
def words_for_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())


@pytest.mark.parametrize("mode", MODES)
async def test_the_best_comes_first_in_every_mode(store: Store, owner: Owner, mode: Mode) -> None:
    base = await make_base(store, owner.workspace_id)
    for number in range(30):
        await add_document(store, base, [f"filler text number {number}"])
    wanted = await add_document(store, base, ["the walrus sleeps on ice"])
    answer = await search(
        store, owner.workspace_id, [base.id], SearchQuery("where does a walrus sleep?", mode=mode)
    )
    assert answer.results[0].document_id == wanted
    scores = [hit.score for hit in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert (answer.results[0].scores.vector is None) == (mode == "keyword")
    assert (answer.results[0].scores.keyword is None) == (mode == "vector")
    assert answer.timings["totalMs"] > 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_deleted_document_is_not_found(store: Store, owner: Owner, mode: Mode) -> None:
    base = await make_base(store, owner.workspace_id)
    gone = await add_document(store, base, ["the marker xyzzyplugh stands here"])
    await add_document(store, base, ["something else"])
    query = SearchQuery("xyzzyplugh", mode=mode)
    before = await search(store, owner.workspace_id, [base.id], query)
    assert before.results[0].document_id == gone
    async with store.unit(owner.workspace_id) as unit:
        await unit.chunks.delete_of_document(base, gone)
        document = await unit.documents.get(gone)
        assert isinstance(document, Document)
        await unit.documents.delete(document)
    after = await search(store, owner.workspace_id, [base.id], query)
    assert gone not in {hit.document_id for hit in after.results}


async def test_another_workspace_finds_no_base(store: Store, make_owner) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = await make_owner(), await make_owner()
    base = await make_base(store, mine.workspace_id)
    await add_document(store, base, ["a secret"])
    own = await make_base(store, theirs.workspace_id)
    for asked in ([base.id], [own.id, base.id], ["kb_unknown"]):
        with pytest.raises(NotFound):
            await search(store, theirs.workspace_id, asked, SearchQuery("secret"))


@pytest.mark.parametrize("mode", MODES)
async def test_selective_filters_still_fill_the_answer(
    store: Store, owner: Owner, mode: Mode
) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["walrus walrus walrus"] * 400)
    rare = await add_document(
        store, base, ["a walrus among other words"] * 5, metadata={"kind": "rare"}
    )
    answer = await search(
        store,
        owner.workspace_id,
        [base.id],
        SearchQuery("walrus", top_k=5, mode=mode, filter={"kind": "rare"}),
    )
    assert [hit.document_id for hit in answer.results] == [rare] * 5


@pytest.mark.parametrize("mode", MODES)
async def test_many_different_documents_are_reached(store: Store, owner: Owner, mode: Mode) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["walrus walrus"] * 300, "long.txt")
    for number in range(110):
        await add_document(store, base, [f"walrus number{number} in a longer text"])
    query = SearchQuery("walrus", top_k=100, mode=mode, group_by="document")
    answer = await search(store, owner.workspace_id, [base.id], query)
    assert len({hit.document_id for hit in answer.results}) == 100


async def test_disabled_documents_are_not_found(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    hidden = await add_document(store, base, ["walrus"])
    shown = await add_document(store, base, ["walrus too"])
    async with store.unit(owner.workspace_id) as unit:
        document = await unit.documents.get(hidden)
        assert document is not None
        document.enabled = False
    for mode in MODES:
        query = SearchQuery("walrus", mode=mode)
        answer = await search(store, owner.workspace_id, [base.id], query)
        assert [hit.document_id for hit in answer.results] == [shown]


async def test_bases_of_different_languages_together(store: Store, owner: Owner) -> None:
    english = await make_base(store, owner.workspace_id)
    german = await make_base(store, owner.workspace_id, "de")
    one = await add_document(store, english, ["walrus"])
    two = await add_document(store, german, ["walrus"])
    ids = [english.id, german.id]
    answer = await search(store, owner.workspace_id, ids, SearchQuery("walrus"))
    assert {hit.document_id for hit in answer.results} == {one, two}


async def test_a_passage_of_the_named_document_wins(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    for year in (2021, 2022, 2023):
        texts = [f"Annual report of Acme for {year}", "profit rose", "costs fell"]
        await add_document(store, base, texts, f"report {year}.txt")
    query = SearchQuery("What profit did Acme report for 2022?", top_k=1)
    answer = await search(store, owner.workspace_id, [base.id], query)
    assert answer.results[0].document_name == "report 2022.txt"


async def test_expanding_highlighting_and_least_score(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["before", "the walrus", "after"])
    query = SearchQuery("walruses", expand=True, highlight=True, top_k=1)
    (hit,) = (await search(store, owner.workspace_id, [base.id], query)).results
    assert "before" in hit.content
    assert "after" in hit.content
    assert "<mark>walrus</mark>" in hit.highlights[0]
    strict = SearchQuery("walrus", mode="keyword", min_score=1e6)
    assert (await search(store, owner.workspace_id, [base.id], strict)).results == []


async def test_questions_without_words_and_empty_bases(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    for mode in MODES:
        query = SearchQuery("the of ?", mode=mode)
        assert (await search(store, owner.workspace_id, [base.id], query)).results == []
    await add_document(store, base, ["walrus"])
    found = await search(store, owner.workspace_id, [base.id], SearchQuery("?!"))
    assert len(found.results) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " "},
        {"text": "x", "top_k": 0},
        {"text": "x", "top_k": 201},
        {"text": "x", "mode": "fuzzy"},
        {"text": "x", "group_by": "page"},
    ],
)
def test_impossible_questions_are_refused(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValidationFailed):
        SearchQuery(**wrong)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What were net sales in the third quarter of 2022?", "2022 Q3 Sales.txt"),
        ("What were net sales in the latest report?", "2023 Q2 Sales.txt"),
    ],
)
async def test_of_a_series_the_report_of_the_time_asked_for_comes_first(
    store: Store, owner: Owner, question: str, name: str
) -> None:
    base = await make_base(store, owner.workspace_id)
    for each in ("2022 Q3 Sales.txt", "2023 Q2 Sales.txt", "2023 Q1 Sales.txt"):
        await add_document(store, base, ["net sales were higher by some percent"], each)
    answer = await search(store, owner.workspace_id, [base.id], SearchQuery(question))
    assert answer.results[0].document_name == name


async def test_a_window_grows_to_the_parent_of_the_base(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id, chunking={"parentTokens": 9})
    texts = ["far before", "just before it", "the walrus", "just after it", "far after"]
    await add_document(store, base, texts)
    query = SearchQuery("walrus", expand=True, top_k=1)
    (hit,) = (await search(store, owner.workspace_id, [base.id], query)).results
    assert hit.content == "just before it\n\nthe walrus\n\njust after it"
    assert (hit.start_offset, hit.end_offset) == (12, 53)


@pytest.mark.parametrize("mode", MODES)
async def test_equal_texts_are_one_result(store: Store, owner: Owner, mode: Mode) -> None:
    base = await make_base(store, owner.workspace_id)
    first = await add_document(store, base, ["The walrus sleeps"], "a.txt")
    second = await add_document(store, base, ["the  walrus sleeps"], "a.md")
    other = await add_document(store, base, ["a walrus eats"], "c.txt")
    query = SearchQuery("does the walrus sleep?", mode=mode, top_k=2)
    answer = await search(store, owner.workspace_id, [base.id], query)
    assert [hit.document_id for hit in answer.results] == [first, other]
    assert [same.document_id for same in answer.results[0].duplicates] == [second]
    by_document = SearchQuery("does the walrus sleep?", mode=mode, group_by="document")
    whole = await search(store, owner.workspace_id, [base.id], by_document)
    assert {hit.document_id for hit in whole.results} == {first, second, other}


async def test_equal_texts_fill_up_behind_the_others(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["the walrus sleeps"] * 10 + ["no walrus at all"])
    query = SearchQuery("walrus sleep", top_k=5)
    results = (await search(store, owner.workspace_id, [base.id], query)).results
    assert [hit.content[:2] for hit in results] == ["th", "no", "th", "th", "th"]
    assert len(results[0].duplicates) == 6


async def test_that_nothing_is_near_among_passages_is_logged(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = await make_base(store, owner.workspace_id)
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["something"])
    monkeypatch.setattr(searching, "read", _nothing)
    with structlog.testing.capture_logs() as lines:
        for query, base_id in (
            (SearchQuery("some"), empty.id),
            (SearchQuery("some", min_score=2.0), base.id),
            (SearchQuery("some"), base.id),
        ):
            assert not (await search(store, owner.workspace_id, [base_id], query)).results
    told = [line for line in lines if line["event"] == "search found nothing among passages"]
    assert [line["bases"] for line in told] == [{base.id: 1}]


async def _nothing(*_: object) -> list[object]:
    return []

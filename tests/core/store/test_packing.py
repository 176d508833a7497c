from __future__ import annotations

import asyncio

import numpy as np
from sqlalchemy import text

from core.store import packing
from core.store.knowledge_bases import KnowledgeBase
from core.store.packing import tend
from core.store.scoring import Sought
from core.store.unit import Store
from core.store.word_lists import WordLists
from tests.conftest import Owner
from tests.knowledge import add_document, make_base, new_chunk

_TEXTS = [f"common {'often ' * (number % 5)} number{number % 7}" for number in range(40)]
_TERMS = ["common", "often", *(f"number{n}" for n in range(7)), "plum", "missing"]


async def _pack(store: Store, large: int = 40) -> list[int]:
    return await tend(store, large, common=4)


async def _lists(store: Store, *bases: KnowledgeBase) -> WordLists:
    async with store.unit(bases[0].workspace_id) as unit:
        return await unit.postings.lists([base.no for base in bases], _TERMS)


async def _count(store: Store, table: str) -> int:
    async with store.engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def _assert_as_rows(store: Store, *bases: KnowledgeBase) -> WordLists:
    """Assert that the lists say what the rows say, and return them."""
    lists = await _lists(store, *bases)
    async with store.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT term, chunk_no, frequency, length FROM postings WHERE base_no = ANY(:no)"),
            {"no": [base.no for base in bases]},
        )
        truth = sorted(tuple(row) for row in rows if row.term in _TERMS)
    found = [
        (term, *entry)
        for term, each in lists.words.items()
        for entry in np.column_stack([each.nos, each.frequencies, each.lengths]).tolist()
    ]
    assert sorted(found) == truth
    assert all((each.nos[1:] > each.nos[:-1]).all() for each in lists.words.values())
    return lists


async def test_a_packing_comes_with_size_and_goes_with_it(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, _TEXTS)
    assert await _pack(store, large=41) == []
    assert await _pack(store) == [base.no]
    assert await _pack(store) == []
    async with store.engine.connect() as connection:
        terms = set(await connection.scalars(text("SELECT term FROM packed_words")))
    assert terms == {"common", "often", "note", *(f"number{n}" for n in range(7))}
    await _assert_as_rows(store, base)
    await _pack(store, large=82)  # as if it had shrunk to less than a half
    assert (await _count(store, "packings"), await _count(store, "packed_words")) == (0, 0)
    await _assert_as_rows(store, base)


async def test_what_changed_since_is_known(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, _TEXTS)
    gone = await add_document(store, base, ["common common plum", "often"])
    assert await _pack(store) == [base.no]
    await add_document(store, base, ["common number3 plum", "often often common"])
    async with store.unit(owner.workspace_id) as unit:
        assert await unit.chunks.delete_of_document(base, gone) == 2
    lists = await _assert_as_rows(store, base)
    assert len(lists.words["plum"].nos) == 1
    async with store.engine.connect() as connection:
        first = text("SELECT base_id, document_id, id FROM chunks ORDER BY no LIMIT 1")
        rewritten = (await connection.execute(first)).one()
    for content in ("plum number6", "plum plum often"):
        async with store.unit(owner.workspace_id) as unit:
            row = await unit.chunks.get(*rewritten)
            assert row is not None
            await unit.chunk_edits.rewrite(base, row, new_chunk(content))
        lists = await _assert_as_rows(store, base)
    assert len(lists.words["plum"].nos) == 2


async def test_a_twentieth_that_changed_is_packed_anew(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, _TEXTS)
    assert await _pack(store) == [base.no]
    two = await add_document(store, base, ["common plum", "often"])
    assert await _pack(store) == []
    async with store.unit(owner.workspace_id) as unit:
        await unit.chunks.delete_of_document(base, two)
    assert await _pack(store) == []  # two gone, of which it never spoke
    await add_document(store, base, ["common plum"])
    assert await _pack(store) == [base.no]
    assert await _count(store, "packings") == 1
    await _assert_as_rows(store, base)


async def test_with_its_base_a_packing_goes(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, _TEXTS)
    await _pack(store)
    async with store.unit(owner.workspace_id) as unit:
        found = await unit.bases.get(base.id)
        assert found is not None
        await unit.chunks.delete_of_base(found)
        assert (await unit.postings.lists([base.no], ["common"])).words["common"].nos.size == 0
        await unit.bases.delete(found)
    assert (await _count(store, "packings"), await _count(store, "packed_words")) == (0, 0)


async def test_what_a_crash_left_is_made_again(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    gone = await add_document(store, base, ["common plum"])
    await add_document(store, base, _TEXTS)
    async with store.engine.begin() as connection:
        await connection.execute(packing._BEGIN, {"no": base.no})
    async with store.unit(owner.workspace_id) as unit:
        await unit.chunks.delete_of_document(base, gone)
    async with store.engine.connect() as connection:  # it is told while it is being made
        assert len(await connection.scalar(text("SELECT gone FROM packings"))) == 8
    await _assert_as_rows(store, base)
    assert await _pack(store) == [base.no]
    assert await _count(store, "packings") == 1
    await _assert_as_rows(store, base)


async def test_who_deletes_meanwhile_is_waited_for(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    gone = await add_document(store, base, ["common plum"])
    await add_document(store, base, _TEXTS)
    async with store.unit(owner.workspace_id) as unit:
        await unit.chunks.delete_of_document(base, gone)
        work = asyncio.ensure_future(_pack(store))
        await _until_somebody_waits(store)
        assert not work.done()
    assert await work == [base.no]
    await _assert_as_rows(store, base)


async def _until_somebody_waits(store: Store) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        async with store.engine.connect() as connection:
            if await connection.scalar(waiting):
                return
        await asyncio.sleep(0.01)


async def test_of_several_bases_lists_are_joined(store: Store, owner: Owner) -> None:
    bases = [await make_base(store, owner.workspace_id) for _ in range(3)]
    for start in (0, 20):  # their numbers are mixed
        for base in bases:
            await add_document(store, base, _TEXTS[start : start + 20])
    await add_document(store, bases[0], ["common plum"])
    assert await _pack(store, large=41) == [bases[0].no]
    assert await _pack(store) == [base.no for base in bases[1:]]
    lists = await _assert_as_rows(store, *bases)
    assert len(lists.words["common"].nos) == 121


async def test_lists_lead_to_the_same_best_as_rows(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, _TEXTS)
    await _pack(store)
    lists = await _lists(store, base)
    every = Sought({"often": 1.0, "number3": 2.0, "missing": 3.0}, {}, (0.5, 0.1))
    lifted = Sought({"number3": 2.0}, {"often": 1.0, "common": 0.1}, (0.5, 0.1))
    some = WordLists({"number3": lists.words["number3"]})  # the others are asked for
    disabled = "UPDATE chunks SET enabled = false WHERE no % 3 = 0"
    async with store.engine.begin() as connection:
        await connection.execute(text(disabled))
    async with store.unit(owner.workspace_id) as unit:
        enabled = await unit.hits.allowed([base.id], None)
        assert enabled.nos is None
        for words, known in ((every, lists), (lifted, lists), (lifted, some)):
            for allowed in (None, enabled):
                for limit in (3, 100):
                    asked = ([base.no], words, limit, allowed)
                    best = await unit.postings.best(*asked)
                    assert best == await unit.postings.best(*asked, known)
                    assert len(best) >= 2


async def test_another_workspace_sees_no_packing(store: Store, make_owner) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = await make_owner(), await make_owner()
    base = await make_base(store, mine.workspace_id)
    await add_document(store, base, _TEXTS)
    await _pack(store)
    for owner, count in ((mine, 1), (theirs, 0)):
        async with store.unit(owner.workspace_id) as unit:
            session = unit.postings._session
            for table in ("packings", "packed_words WHERE term = 'common'"):
                rows = await session.execute(text(f"SELECT count(*) FROM {table}"))
                assert rows.scalar_one() == count
            await session.execute(text("UPDATE packings SET gone = gone"))

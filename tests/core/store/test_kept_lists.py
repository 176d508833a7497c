"""Lists that were read lately are not sent again; the oldest make room."""

from __future__ import annotations

import pytest

from core.store import packed_postings
from core.store.kept_lists import KeptLists
from core.store.packing import tend
from core.store.unit import Store
from core.store.word_lists import EMPTY, WordList
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

_PACKED = bytes([0, 0, 0, 1, 0, 2, 0, 9])  # chunk 1, twice among nine words


def test_the_oldest_make_room() -> None:
    one = WordList.read(_PACKED, 0)
    kept = KeptLists(most_bytes=2 * one.size)
    for term in ("a", "b"):
        kept.keep(7, (1, term), one)
    assert kept.of([7], ["a"]) == {(1, "a"): one}  # the last that was asked for
    kept.keep(7, (1, "c"), one)
    assert kept.of([7], ["a", "b", "c"]).keys() == {(1, "a"), (1, "c")}
    assert kept.of([8], ["a"]) == {}


def test_a_list_that_is_kept_again_counts_once() -> None:
    one = WordList.read(_PACKED, 0)
    kept = KeptLists(most_bytes=2 * one.size)
    for _ in range(5):
        kept.keep(7, (1, "a"), one)
    kept.keep(7, (1, "b"), one)
    assert kept.of([7], ["a", "b"]).keys() == {(1, "a"), (1, "b")}


def test_of_another_packing_nothing_is_kept() -> None:
    kept = KeptLists()
    kept.keep(7, (1, "a"), EMPTY)
    kept.keep(7, (2, "b"), EMPTY)
    assert kept.of([7], ["a", "b"]).keys() == {(2, "b")}


async def test_a_packed_word_is_sent_once(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, [f"common number{number}" for number in range(40)])
    await tend(store, large=40, common=4)
    sent = []
    fetch = packed_postings.fetch

    async def noted(*asked):  # type: ignore[no-untyped-def]
        rows = await fetch(*asked)
        sent.extend(row.term for row in rows if row.packed is not None)
        return rows

    monkeypatch.setattr(packed_postings, "fetch", noted)
    for _ in range(2):
        async with store.unit(owner.workspace_id) as unit:
            lists = await unit.postings.lists([base.no], ["common", "number1"])
        assert len(lists.words["common"].nos) == 40
        assert len(lists.words["number1"].nos) == 1  # a rare word has no packed list
    assert sent == ["common"]

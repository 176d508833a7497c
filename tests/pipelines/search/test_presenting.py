"""Texts that were read ahead are not read again, and what is missing among them is."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from core.store.hits import StoredChunks
from pipelines.search.presenting import Ranked, read
from pipelines.search.query import SearchQuery


def _chunks(*nos: int) -> StoredChunks:
    rest = ('{"a": 1}', "{}", None, None, 0, 7, [])
    rows: list[Any] = [
        (no, f"chk_{no}", "kb", "doc", "a.txt", f"Text {no}.", 3, no, *rest) for no in nos
    ]
    return StoredChunks(rows)


async def test_only_what_was_not_read_ahead_is_read() -> None:
    asked: list[list[int]] = []

    async def get(nos: Sequence[int]) -> StoredChunks:
        asked.append(list(nos))
        return _chunks(*(no for no in nos if no != 4))  # it was deleted

    unit: Any = SimpleNamespace(hits=SimpleNamespace(get=get))
    ranked = [Ranked(no, "doc", 1.0 / no, None, None) for no in range(1, 8)]
    query = SearchQuery("text", top_k=3)
    found = await read(unit, ranked[:3], 3, query, [_chunks(1, 2), _chunks(3, 9)])
    assert [each.chunk.no for each in found] == [1, 2, 3]
    assert asked == []
    found = await read(unit, ranked, 4, query, [_chunks(1, 3)])
    assert [each.chunk.no for each in found] == [1, 2, 3, 5]
    assert found[0].chunk.metadata == {"a": 1}
    assert asked == [[2, 4], [5]]

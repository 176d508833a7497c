"""What was deleted while a search was under way is passed over, and others take its place."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from core.store.hits import StoredChunk
from pipelines.search.presenting import Ranked, read
from pipelines.search.query import SearchQuery


def _chunk(no: int) -> StoredChunk:
    rest: Any = ({"a": 1}, None, None, 0, 7, [])
    return StoredChunk(no, f"chk_{no}", "kb", "doc", "a.txt", f"Text {no}.", 3, no, *rest)


async def test_others_take_the_place_of_what_was_deleted_meanwhile() -> None:
    asked: list[list[int]] = []

    async def get(nos: Sequence[int]) -> dict[int, StoredChunk]:
        asked.append(list(nos))
        return {no: _chunk(no) for no in nos if no != 4}

    unit: Any = SimpleNamespace(hits=SimpleNamespace(get=get))
    ranked = [Ranked(no, "doc", 1.0 / no, None, None) for no in range(1, 8)]
    found = await read(unit, ranked, 4, SearchQuery("text", top_k=3))
    assert [each.chunk.no for each in found] == [1, 2, 3, 5]
    assert asked == [[1, 2, 3, 4], [5]]

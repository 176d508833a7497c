from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text, update

from core.errors import ValidationFailed
from core.store.chunks import Chunk
from core.store.filters import parse_filter
from core.store.hits import _listed
from core.store.unit import Store
from core.store.values import Values
from core.store.walls import TENANT_ROLE
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

_DOCUMENTS: dict[str, dict[str, Any]] = {
    "old.txt": {"year": 2021, "tags": ["Red", "blue"], "author": {"name": "Ada"}},
    "new.txt": {"year": 2023.5, "tags": ["green"], "draft": True, "page": "title"},
    "bare.txt": {},
}


_CASES: list[tuple[Any, set[str]]] = [
    ({"year": 2021}, {"old.txt"}),
    ({"year": {"eq": 2021.0}}, {"old.txt"}),
    ({"year": {"ne": 2021}}, {"new.txt", "bare.txt"}),
    ({"year": {"gt": 2021}}, {"new.txt"}),
    ({"year": {"gte": 2021, "lt": 2023}}, {"old.txt"}),
    ({"year": {"gt": "2"}}, set()),
    ({"year": {"in": [2021, 7]}}, {"old.txt"}),
    ({"year": {"nin": [2021, 7]}}, {"new.txt", "bare.txt"}),
    ({"year": {"in": [2023.5, None]}}, {"new.txt", "bare.txt"}),
    ({"year": {"nin": [2021, None]}}, {"new.txt"}),
    ({"year": {"in": []}}, set()),
    ({"year": {"nin": []}}, {"old.txt", "new.txt", "bare.txt"}),
    ({"tags": {"in": [["green"], "Red"]}}, {"new.txt"}),
    ({"year": None}, {"bare.txt"}),
    ({"tags": {"contains": "Red"}}, {"old.txt"}),
    ({"author.name": {"contains": "ad"}}, {"old.txt"}),
    ({"author": {"eq": {"name": "Ada"}}}, {"old.txt"}),
    ({"draft": True}, {"new.txt"}),
    ({"metadata.page": "title"}, {"new.txt"}),
    ({"page": 3}, {"old.txt", "new.txt", "bare.txt"}),
    ({"page": {"gt": 3}}, set()),
    ({"fileName": {"contains": "NEW"}}, {"new.txt"}),
    ({"fileName": {"in": ["old.txt", "bare.txt"]}}, {"old.txt", "bare.txt"}),
    ({"mimeType": {"ne": "text/plain"}}, set()),
    ({"createdAt": {"gt": "2020-01-01"}}, {"old.txt", "new.txt", "bare.txt"}),
    ({"createdAt": {"lt": "2020-01-01T00:00:00Z"}}, set()),
    ({"field": "year", "op": "lt", "value": 2022}, {"old.txt"}),
    ({"field": "year", "operator": "gte", "value": 2022}, {"new.txt"}),
    ({"or": [{"year": 2021}, {"draft": True}]}, {"old.txt", "new.txt"}),
    ({"and": [{"year": {"gt": 1}}, {"not": {"draft": True}}]}, {"old.txt"}),
    ({"not": {"year": {"gt": 2022}}}, {"old.txt", "bare.txt"}),
    ({"a'; DROP TABLE chunks; --": {"contains": "'%_"}}, set()),
]


@pytest.mark.parametrize(("raw", "expected"), _CASES)
async def test_filters(store: Store, owner: Owner, raw: Any, expected: set[str]) -> None:
    base = await make_base(store, owner.workspace_id)
    for name, metadata in _DOCUMENTS.items():
        await add_document(store, base, ["some words"], name, metadata, page=3)
    async with store.unit(owner.workspace_id) as unit:
        allowed = await unit.hits.allowed([base.id], parse_filter(raw))
        found = await unit.vectors.nearest([base], _anything(), 10, allowed)
        chunks = await unit.hits.get(found)
    assert {chunk.document_name for chunk in chunks.values()} == expected


_ASKED_OF_SOME = [
    *(raw for raw, _ in _CASES),
    {"tone": "dry"},
    {"not": {"tone": "dry"}},
    {"or": [{"tone": "dry"}, {"year": {"lt": 2022}}]},
    {"year": 1999},
    {"year": {"ne": 1999}},
    {"and": [{"fileName": "old.txt"}, {"year": {"gt": 0}}]},
]


@pytest.mark.parametrize("raw", _ASKED_OF_SOME)
async def test_documents_are_asked_first_and_a_chunks_own_metadata_counts_all_the_same(
    store: Store, owner: Owner, raw: Any
) -> None:
    base, other = [await make_base(store, owner.workspace_id) for _ in range(2)]
    ids = [
        await add_document(store, base, ["a b", "c d", "e f", "g h"], name, metadata, page=3)
        for name, metadata in _DOCUMENTS.items()
    ]
    await add_document(store, other, ["a b"], "old.txt", {"year": 2021})
    async with store.engine.begin() as connection:
        for of, index, columns in [
            (0, 1, {"meta": {"year": 1999, "tone": "dry"}}),
            (0, 2, {"meta": {"tone": "dry"}, "enabled": False}),
            (1, 0, {"meta": {"tone": "dry", "draft": None}}),
            (1, 3, {"enabled": False}),
            (2, 2, {"meta": {"author": {"name": "Adele"}}}),
        ]:
            change = update(Chunk).where(Chunk.document_id == ids[of], Chunk.index == index)
            await connection.execute(
                change.values({getattr(Chunk, n): v for n, v in columns.items()})
            )
    condition = parse_filter(raw)
    async with store.unit(owner.workspace_id) as unit:
        allowed = await unit.hits.allowed([base.id], condition)
        found = await unit.hits.matching([base.id], condition)
    assert sorted(allowed.nos or []) == [chunk.no for chunk in found]


async def test_chunks_without_metadata_of_their_own_are_not_read(
    store: Store, owner: Owner
) -> None:
    """Which index is taken depends on what tables hold; so all others are gone for the question."""
    base = await make_base(store, owner.workspace_id)
    values = Values()
    sql = values.put_query(_listed([base.id], parse_filter({"year": 2021})))
    async with store.engine.connect() as connection:
        for statement in (
            "ALTER TABLE chunks DROP CONSTRAINT uq_chunks_document_id_chunk_index",
            "DROP INDEX ix_chunks_base_id",
            "SET LOCAL enable_seqscan = off",
            "SET LOCAL enable_bitmapscan = off",
            f"SELECT set_config('role', {TENANT_ROLE}, true)",
        ):
            await connection.execute(text(statement))
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        plan = "\n".join(row[0] for row in await driver.fetch(f"EXPLAIN {sql}", *values))
        await connection.rollback()
    assert "Index Only Scan using ix_chunks_plain" in plan
    assert "Index Scan using ix_chunks_own_metadata" in plan


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ([], "filter"),
        ({}, "filter"),
        ("year > 2", "filter"),
        ({"and": {}}, "filter.and"),
        ({"or": [{"year": 1}, {"year": {"like": "x"}}]}, "filter.or[1].year"),
        ({"year": {}}, "filter.year"),
        ({"year": {"in": 3}}, "filter.year"),
        ({"year": {"gt": [1]}}, "filter.year"),
        ({"page": "three"}, "filter.page"),
        ({"page": {"in": [1, "x"]}}, "filter.page[1]"),
        ({"page": 2**40}, "filter.page"),
        ({"page": {"contains": "x"}}, "filter.page"),
        ({"page": {"gt": None}}, "filter.page"),
        ({"createdAt": {"lte": None}}, "filter.createdAt"),
        ({"createdAt": {"gt": "yesterday"}}, "filter.createdAt"),
        ({"createdAt": {"gt": "0001-01-01T00:00:00+14:00"}}, "filter.createdAt"),
        ({"field": "year", "op": "eq"}, "filter"),
        ({"field": "year", "op": ["eq"], "value": 1}, "filter"),
        ({"x": "nul\x00"}, "filter"),
        ({"x": "\ud800"}, "filter"),
        ({"x": float("nan")}, "filter"),
        ({"and": [{"x": 1}] * 101}, "filter.and[100].x"),
    ],
)
def test_nonsense_is_refused_with_its_place(raw: Any, path: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_filter(raw)
    assert refused.value.details["issues"][0]["path"] == path


def test_nesting_ends_somewhere() -> None:
    raw: dict[str, Any] = {"x": 1}
    for _ in range(5000):
        raw = {"not": raw}
    with pytest.raises(ValidationFailed):
        parse_filter(raw)


def _anything() -> Any:
    from tests.knowledge import embedded

    return embedded("words")


def test_a_list_of_any_length_is_one_value() -> None:
    def statement(values: list[int]) -> str:
        return str(parse_filter({"year": {"in": values}}).clause)

    assert statement(list(range(20_000))) == statement([1])

"""Search over HTTP: what is asked is what is meant, and what is gone is gone."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.models import chat
from pipelines import rewriting
from tests.api.conftest import Member
from tests.fakes import FakeChat

Work = Callable[[], Awaitable[int]]


@pytest.fixture
async def yard(member: Member, base_path: str, work: Work) -> str:
    """The base with three processed documents."""
    texts = {
        "varnish.md": ("Varnish dries in eight hours at twenty degrees.", 2023),
        "slipway.md": ("The slipway is closed on Mondays for maintenance.", 2024),
        "harbour.md": ("Berths in the harbour cost forty euros a night.", 2025),
    }
    for name, (text, year) in texts.items():
        body = {"text": text, "name": name, "metadata": {"year": year}}
        made = await member.program.post(f"{base_path}/documents", json=body)
        assert made.status_code == 202, made.text
    await work()
    return base_path


async def _search(member: Member, base_path: str, **fields: Any) -> dict[str, Any]:
    answer = await member.program.post(f"{base_path}/search", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("mode", ["hybrid", "vector", "keyword"])
async def test_each_mode_finds_the_passage_and_says_where_it_is(
    member: Member, yard: str, mode: str
) -> None:
    found = await _search(member, yard, query="when is the slipway closed", mode=mode)
    best = found["results"][0]
    assert (found["mode"], found["topK"], best["documentName"]) == (mode, 10, "slipway.md")
    assert set(best) == {
        *("id", "documentId", "documentName", "content", "score", "scores", "chunkIndex"),
        *("metadata", "highlights", "citation"),
    }
    assert set(best["scores"]) == {"vector", "keyword", "rerank"}
    assert set(best["citation"]) == {"page", "bbox", "startOffset", "endOffset", "headingPath"}
    assert best["metadata"]["year"] == 2024
    assert found["timings"]


async def test_a_query_string_asks_the_same_as_a_body(member: Member, yard: str) -> None:
    fields: dict[str, Any] = {"query": "price of a berth", "topK": 2, "highlight": True}
    wanted = {"year": {"gte": 2024}}
    by_body = await _search(member, yard, **fields, filter=wanted)
    query = {**fields, "highlight": "true", "filter": json.dumps(wanted)}
    by_query = (await member.program.get(f"{yard}/search", params=query)).json()
    assert by_query["results"] == by_body["results"]
    assert [r["documentName"] for r in by_body["results"]] == ["harbour.md", "slipway.md"]


async def test_a_deleted_or_disabled_document_is_not_found(member: Member, yard: str) -> None:
    async def names() -> list[str]:
        found = await _search(member, yard, query="slipway varnish berths")
        return sorted(result["documentName"] for result in found["results"])

    assert await names() == ["harbour.md", "slipway.md", "varnish.md"]
    rows = (await member.program.get(f"{yard}/documents")).json()["data"]
    ids = {row["name"]: row["id"] for row in rows}
    gone = await member.program.delete(f"{yard}/documents/{ids['slipway.md']}")
    assert gone.status_code == 204
    assert await names() == ["harbour.md", "varnish.md"]
    off = {"enabled": False}
    await member.program.patch(f"{yard}/documents/{ids['varnish.md']}", json=off)
    assert await names() == ["harbour.md"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "x", "topK": 0}, "topK"),
        ({"query": "x", "topK": 201}, "topK"),
        ({"query": "x", "mode": "magic"}, "mode"),
        ({"query": "x", "filter": "{"}, "filter"),
        ({"query": "x", "filter": {"year": {"near": 3}}}, "filter.year"),
        ({"query": "x", "rerank": True}, "rerank"),
        ({"query": "x", "sql": "1"}, "sql"),
    ],
)
async def test_a_search_that_means_nothing_says_why(
    member: Member, base_path: str, fields: dict[str, object], path: str
) -> None:
    answer = await member.program.post(f"{base_path}/search", json=fields)
    assert answer.status_code == 400
    issues = answer.json()["error"]["details"]["issues"]
    assert [issue["path"] for issue in issues] == [path]


async def test_what_says_the_same_is_listed_with_its_result(
    member: Member, yard: str, work: Work
) -> None:
    body = {"text": "Varnish dries in  eight hours at twenty degrees.", "name": "varnish.txt"}
    made = await member.program.post(f"{yard}/documents", json=body)
    assert made.status_code == 202
    await work()
    found = await _search(member, yard, query="how long does varnish dry?", topK=2)
    first, second = found["results"]
    names = {first["documentName"], first["duplicates"][0]["documentName"]}
    assert names == {"varnish.md", "varnish.txt"}
    assert "duplicates" not in second


async def test_other_words_of_the_chat_model_are_searched_as_well(
    member: Member, yard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = await member.program.post(f"{yard}/search", json={"query": "boats", "rewrite": True})
    assert refused.status_code == 400
    assert "NUXA_CHAT_MODEL" in refused.json()["error"]["message"]
    monkeypatch.setattr(chat, "configured_model", lambda: "openai/some")
    monkeypatch.setattr(rewriting, "configured_model", lambda: "openai/some")
    fake = FakeChat([["price of berths in the harbour"]])
    monkeypatch.setattr(chat, "stream", fake)
    found = await _search(member, yard, query="boats", mode="keyword", rewrite=True)
    assert found["rewrites"] == ["price of berths in the harbour"]
    assert [each["documentName"] for each in found["results"]] == ["harbour.md"]

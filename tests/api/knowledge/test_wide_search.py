"""One search over several bases of a workspace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.api.conftest import Member

Work = Callable[[], Awaitable[int]]
BASES = {
    "Handbook": ("en", "The alphaquay is closed on Mondays for maintenance."),
    "Handbuch": ("de", "Der alphaquay ist montags wegen Wartungen geschlossen."),
}


async def _make_bases(member: Member, work: Work) -> dict[str, str]:
    """Make the bases, each with one document; return their ids by name."""
    ids = {}
    for name, (language, text) in BASES.items():
        new = {"name": name, "language": language}
        ids[name] = (await member.program.post("/api/knowledge", json=new)).json()["id"]
        document = {"text": text, "name": "hours.txt"}
        await member.program.post(f"/api/knowledge/{ids[name]}/documents", json=document)
    await work()
    return ids


async def test_search_bases_finds_in_each_and_names_the_base(member: Member, work: Work) -> None:
    ids = await _make_bases(member, work)
    body: dict[str, Any] = {"query": "alphaquay Wartung", "highlight": True}
    path = "/api/knowledge/search"
    for mode in ("hybrid", "vector", "keyword"):
        asked = body | {"knowledgeBaseIds": [*ids.values(), *ids.values()], "mode": mode}
        found = await member.program.post(path, json=asked)
        assert found.status_code == 200, found.text
        results = {row["knowledgeBaseName"]: row for row in found.json()["results"]}
        assert {name: row["knowledgeBaseId"] for name, row in results.items()} == ids
        assert {name: row["content"] for name, row in results.items()} == {
            name: text for name, (_, text) in BASES.items()
        }
    # Words are marked as the base's own language knows them.
    assert "<mark>Wartungen</mark>" in results["Handbuch"]["highlights"][0]
    one = body | {"knowledgeBaseIds": [ids["Handbook"]], "topK": 1}
    by_key = (await member.program.post("/api/v1/knowledge/search", json=one)).json()
    assert [row["knowledgeBaseName"] for row in by_key["results"]] == ["Handbook"]


async def test_search_bases_of_another_tenant_finds_nothing_at_all(
    member: Member, stranger: Member, work: Work
) -> None:
    mine = await _make_bases(member, work)
    theirs = (await stranger.program.post("/api/knowledge", json={"name": "b"})).json()["id"]
    body = {"query": "alphaquay", "knowledgeBaseIds": [theirs, mine["Handbook"]]}
    for caller in (member, stranger):
        answer = await caller.program.post("/api/knowledge/search", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_search_bases_without_bases_or_query_is_refused(member: Member) -> None:
    for body in (
        {"query": "x", "knowledgeBaseIds": []},
        {"query": "x"},
        {"query": "x", "knowledgeBaseIds": ["kb_x"] * 51},
        {"knowledgeBaseIds": ["kb_x"]},
    ):
        answer = await member.program.post("/api/knowledge/search", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")

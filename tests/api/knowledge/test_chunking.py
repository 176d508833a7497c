"""A base's chunking is changed: its documents are read again, and found all the while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.services import Services
from tests.api.conftest import Member
from tests.faults.shelf import Shelf

Work = Callable[[], Awaitable[int]]
WORDS = ("varnish", "canvas", "copper")


def _text(word: str) -> str:
    return " ".join(f"The {word} of shelf {n} is kept dry and warm." for n in range(12))


@pytest.fixture
async def shelf(member: Member, base_path: str, work: Work, services: Services) -> Shelf:
    """The base, with a document of one passage a word."""
    for word in WORDS:
        body = {"text": _text(word), "name": f"{word}.txt"}
        await member.program.post(f"{base_path}/documents", json=body)
    await work()
    async with services.store.unit(member.workspace_id) as unit:
        base = await unit.bases.get(base_path.rsplit("/", 1)[-1])
    assert base is not None
    return Shelf(services, base)


async def _patch(member: Member, base_path: str, chunking: Any) -> dict[str, Any]:
    answer = await member.program.patch(base_path, json={"chunking": chunking})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def _found(member: Member, base_path: str) -> dict[str, str]:
    """Return what each mode finds first of a word."""
    found = {}
    for mode in ("keyword", "vector", "hybrid"):
        body = {"query": "canvas of shelf 7", "mode": mode, "topK": 1}
        results = (await member.program.post(f"{base_path}/search", json=body)).json()["results"]
        found[mode] = results[0]["content"]
    return found


async def _paths(member: Member, base_path: str) -> list[str]:
    rows = (await member.program.get(f"{base_path}/documents")).json()["data"]
    return [f"{base_path}/documents/{row['id']}" for row in rows]


async def test_patch_chunking_rereads_documents_that_stay_found(
    member: Member, base_path: str, shelf: Shelf, work: Work
) -> None:
    before = await _found(member, base_path)
    assert set(before.values()) == {_text("canvas")}
    shown = await _patch(member, base_path, {"maxTokens": 40})
    assert (shown["chunking"]["maxTokens"], shown["chunking"]["strategy"]) == (40, "auto")
    assert shown["rechunking"] == {
        **{"status": "pending", "progress": 0.0, "secondsLeft": None, "error": None},
        **{"documentsDone": 0, "documentsFailed": 0, "documentsTotal": 3},
    }
    assert await _found(member, base_path) == before
    body = {"text": _text("lacquer"), "name": "lacquer.txt"}
    await member.program.post(f"{base_path}/documents", json=body)
    await work()
    after = (await member.program.get(base_path)).json()
    assert after["rechunking"] is None
    assert after["chunkCount"] > 2 * len(WORDS) + 2
    for path in await _paths(member, base_path):
        document = (await member.program.get(path)).json()
        chunks = (await member.program.get(f"{path}/chunks")).json()["data"]
        assert (document["status"], document["chunkCount"]) == ("completed", len(chunks))
        assert all(chunk["tokenCount"] <= 40 for chunk in chunks)
    for content in (await _found(member, base_path)).values():
        assert "canvas of shelf 7" in content and len(content) < len(_text("canvas"))
    await shelf.check_counts()
    events = await member.browser.get(f"/api/workspaces/{member.workspace_id}/audit")
    actions = [event["action"] for event in events.json()["data"]]
    assert "knowledge.chunking_changed" in actions


async def test_patch_chunking_keeps_added_passages_and_replaces_edited_ones(
    member: Member, base_path: str, shelf: Shelf, work: Work
) -> None:
    path = (await _paths(member, base_path))[0]
    (chunk,) = (await member.program.get(f"{path}/chunks")).json()["data"]
    await member.program.patch(f"{path}/chunks/{chunk['id']}", json={"content": "Changed."})
    added = await member.program.post(f"{path}/chunks", json={"content": "Mine.", "index": 0})
    await _patch(member, base_path, {"maxTokens": 40})
    await work()
    chunks = (await member.program.get(f"{path}/chunks")).json()["data"]
    assert (chunks[-1]["id"], chunks[-1]["content"]) == (added.json()["id"], "Mine.")
    assert {chunk["origin"] for chunk in chunks[:-1]} == {"document"}
    await shelf.check_counts()


async def test_patch_chunking_that_cuts_alike_rereads_nothing(
    member: Member, base_path: str, shelf: Shelf, work: Work
) -> None:
    for chunking in ({"parentTokens": 500}, {"maxTokens": 200}, {}, None):
        assert (await _patch(member, base_path, chunking))["rechunking"] is None
    assert await work() == 0


async def test_patch_chunking_back_leaves_what_was_not_read_again(
    member: Member, base_path: str, shelf: Shelf, work: Work
) -> None:
    before = await shelf.chunks()
    await _patch(member, base_path, {"maxTokens": 40})
    assert (await _patch(member, base_path, None))["rechunking"] is not None
    assert await work() == 1
    assert (await member.program.get(base_path)).json()["rechunking"] is None
    assert await shelf.chunks() == before


async def test_rechunking_a_document_that_cannot_be_read_keeps_its_passages(
    member: Member, base_path: str, shelf: Shelf, work: Work, services: Services
) -> None:
    documents = await shelf.documents()
    await services.blobs.delete(documents["canvas.txt"].blob_key)
    await _patch(member, base_path, {"maxTokens": 40})
    await work()
    shown = (await member.program.get(base_path)).json()["rechunking"]
    assert (shown["status"], shown["error"]["code"]) == ("failed", "DOCUMENTS_FAILED")
    counts = (shown["documentsDone"], shown["documentsFailed"], shown["documentsTotal"])
    assert counts == (2, 1, 3)
    rows = [(await member.program.get(path)).json() for path in await _paths(member, base_path)]
    reasons = {row["name"]: row["rechunkError"]["code"] for row in rows if "rechunkError" in row}
    assert reasons == {"canvas.txt": "NOT_FOUND"}
    assert set((await _found(member, base_path)).values()) == {_text("canvas")}
    await shelf.check_counts()
    # Asked for again it is tried again.
    assert (await _patch(member, base_path, {}))["rechunking"]["status"] == "pending"


async def test_patch_chunking_that_makes_no_sense_is_refused(
    member: Member, base_path: str
) -> None:
    await _patch(member, base_path, {"maxTokens": 100})
    for chunking in ({"overlapTokens": 90}, {"maxTokens": 16}, {"size": 1}, 7):
        answer = await member.program.patch(base_path, json={"chunking": chunking, "name": "X"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    kept = (await member.program.get(base_path)).json()
    assert (kept["name"], kept["chunking"]["maxTokens"]) == ("Handbook", 100)


async def test_patch_chunking_by_a_reader_or_stranger_is_refused(
    member: Member, stranger: Member, base_path: str
) -> None:
    key = {"name": "reader", "scopes": ["read"]}
    reader = {
        "x-api-key": (await member.browser.post("/api/auth/api-keys", json=key)).json()["key"]
    }
    body = {"chunking": {"maxTokens": 40}}
    assert (await stranger.program.patch(base_path, json=body)).status_code == 404
    assert (await member.browser.patch(base_path, json=body, headers=reader)).status_code == 403

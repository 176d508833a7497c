"""Passages are added, deleted, split and merged: found, counted and located as they are then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.services import Services
from tests.api.conftest import Member
from tests.faults.shelf import Shelf

Work = Callable[[], Awaitable[int]]
TEXT = (
    "# Moorings\n\nThe alphaquay has nine rings. The betaquay has a crane. "
    f"{'Each ring is painted once a year. ' * 8}\n\n"
    f"# Lights\n\n{'The gammalight burns all night. ' * 60}"
)


@pytest.fixture
async def document(member: Member, base_path: str, work: Work) -> str:
    """Path of a document of several passages."""
    made = await member.program.post(
        f"{base_path}/documents", json={"text": TEXT, "name": "harbour.md"}
    )
    await work()
    return f"{base_path}/documents/{made.json()['id']}"


@pytest.fixture
async def shelf(member: Member, base_path: str, services: Services) -> Shelf:
    """The base with its counts and indexes."""
    async with services.store.unit(member.workspace_id) as unit:
        base = await unit.bases.get(base_path.rsplit("/", 1)[-1])
    assert base is not None
    return Shelf(services, base)


async def _chunks(member: Member, document: str) -> list[dict[str, Any]]:
    chunks = (await member.program.get(f"{document}/chunks")).json()["data"]
    assert [chunk["index"] for chunk in chunks] == list(range(len(chunks)))
    return list(chunks)


async def _texts(member: Member, document: str) -> list[str]:
    return [chunk["content"] for chunk in await _chunks(member, document)]


async def _finds(member: Member, base_path: str, word: str) -> set[bool]:
    """Return whether the modes find a passage with a word."""
    found = set()
    for mode in ("keyword", "vector", "hybrid"):
        body = {"query": f"where is the {word}", "mode": mode}
        results = (await member.program.post(f"{base_path}/search", json=body)).json()["results"]
        found.add(any(word in result["content"] for result in results))
    return found


async def _actions(member: Member) -> list[str]:
    path = f"/api/workspaces/{member.workspace_id}/audit"
    events = (await member.browser.get(path)).json()["data"]
    return [event["action"] for event in events if event["action"].startswith("chunk.")]


async def test_added_passage_is_found_counted_and_kept_by_reprocessing(
    member: Member, base_path: str, document: str, shelf: Shelf, work: Work
) -> None:
    before = await _texts(member, document)
    body = {"content": "The deltaferry leaves at noon.", "index": 1, "headingPath": ["Ferries"]}
    added = await member.program.post(f"{document}/chunks", json=body)
    assert added.status_code == 201, added.text
    chunk = added.json()
    assert (chunk["index"], chunk["origin"], chunk["startOffset"]) == (1, "added", None)
    assert await _texts(member, document) == [before[0], body["content"], *before[1:]]
    assert await _finds(member, base_path, "deltaferry") == {True}
    await shelf.check_counts()
    await member.program.post(f"{document}/reprocess", json={})
    await work()
    assert await _texts(member, document) == [*before, body["content"]]
    assert (await _chunks(member, document))[-1]["id"] == chunk["id"]
    replaced = await member.program.put(document, json={"text": "Nothing else.", "name": "x.md"})
    assert replaced.status_code == 202
    await work()
    assert await _texts(member, document) == ["Nothing else.", body["content"]]
    assert await _finds(member, base_path, "deltaferry") == {True}
    await shelf.check_counts()
    assert await _actions(member) == ["chunk.added"]


async def test_deleted_passage_is_not_found(
    member: Member, base_path: str, document: str, shelf: Shelf
) -> None:
    first, *rest = await _chunks(member, document)
    gone = await member.program.delete(f"{document}/chunks/{first['id']}")
    assert gone.status_code == 204
    assert await _texts(member, document) == [chunk["content"] for chunk in rest]
    assert await _finds(member, base_path, "alphaquay") == {False}
    await shelf.check_counts()
    assert await _actions(member) == ["chunk.deleted"]


async def test_split_and_merged_passages_keep_true_offsets(
    member: Member, base_path: str, document: str, shelf: Shelf
) -> None:
    whole, *rest = await _chunks(member, document)
    path, at = f"{document}/chunks", whole["content"].index(" The betaquay")
    split = await member.program.post(f"{path}/{whole['id']}/split", json={"offset": at})
    assert split.status_code == 200, split.text
    first, second = split.json()["data"]
    assert first["id"] == whole["id"]
    assert [first["content"], second["content"]] == [
        whole["content"][:at],
        whole["content"][at + 1 :],
    ]
    for part in (first, second):
        begin, end = (part[name] - whole["startOffset"] for name in ("startOffset", "endOffset"))
        assert whole["content"][begin:end] == part["content"]
        assert part["origin"] == "document"
    assert await _finds(member, base_path, "betaquay") == {True}
    await shelf.check_counts()

    ids = [second["id"], first["id"]]  # in whatever order
    merged = await member.program.post(f"{path}/merge", json={"chunkIds": ids})
    assert merged.status_code == 200, merged.text
    assert merged.json()["content"].split() == whole["content"].split()
    same = ("id", "index", "startOffset", "endOffset", "headingPath", "page", "origin")
    assert {name: merged.json()[name] for name in same} == {name: whole[name] for name in same}
    assert [chunk["id"] for chunk in await _chunks(member, document)] == [
        chunk["id"] for chunk in (whole, *rest)
    ]
    await shelf.check_counts()
    assert sorted(await _actions(member)) == ["chunk.merged", "chunk.split"]


async def test_merge_with_an_added_passage_has_no_offsets(
    member: Member, base_path: str, document: str, shelf: Shelf
) -> None:
    first = (await _chunks(member, document))[0]
    body = {"content": "It was built in 1893.", "index": 1}
    added = (await member.program.post(f"{document}/chunks", json=body)).json()
    ids = {"chunkIds": [first["id"], added["id"]]}
    merged = (await member.program.post(f"{document}/chunks/merge", json=ids)).json()
    assert merged["content"] == f"{first['content']}\n\n{body['content']}"
    assert (merged["startOffset"], merged["origin"]) == (None, "edited")
    wide = {"query": "alphaquay", "mode": "keyword", "expand": True}
    (result,) = (await member.program.post(f"{base_path}/search", json=wide)).json()["results"]
    assert body["content"] in result["content"]
    assert (result["citation"]["startOffset"], result["citation"]["edited"]) == (None, True)
    await shelf.check_counts()


async def test_merge_across_a_deleted_passage_has_no_offsets(member: Member, document: str) -> None:
    first, second, third, *_ = await _chunks(member, document)
    await member.program.patch(f"{document}/chunks/{first['id']}", json={"content": "# Moorings"})
    await member.program.patch(
        f"{document}/chunks/{third['id']}", json={"content": "The gammalight"}
    )
    await member.program.delete(f"{document}/chunks/{second['id']}")
    ids = {"chunkIds": [first["id"], third["id"]]}
    merged = (await member.program.post(f"{document}/chunks/merge", json=ids)).json()
    assert (merged["startOffset"], merged["endOffset"], merged["origin"]) == (None, None, "edited")


async def test_change_that_makes_no_sense_is_refused_and_changes_nothing(
    member: Member, document: str, shelf: Shelf
) -> None:
    chunks = await _chunks(member, document)
    one, _, three = (chunk["id"] for chunk in chunks[:3])
    calls: list[tuple[str, dict[str, Any]]] = [
        ("chunks", {"content": " "}),
        ("chunks", {"content": "word " * 400}),
        ("chunks", {"content": "Far behind.", "index": 99}),
        (f"chunks/{one}/split", {"offset": 1}),
        (f"chunks/{one}/split", {"offset": 100_000}),
        ("chunks/merge", {"chunkIds": [one]}),
        ("chunks/merge", {"chunkIds": [one, one]}),
        ("chunks/merge", {"chunkIds": [one, three]}),
    ]
    for path, body in calls:
        answer = await member.program.post(f"{document}/{path}", json=body)
        refusal = (answer.status_code, answer.json()["error"]["code"])
        assert (path, body, *refusal) == (path, body, 400, "VALIDATION_ERROR")
    assert await _chunks(member, document) == chunks
    await shelf.check_counts()


async def test_changes_at_once_leave_whole_passages(
    member: Member, document: str, shelf: Shelf
) -> None:
    first, second, *rest = await _chunks(member, document)
    path = f"{document}/chunks"
    await member.program.patch(f"{path}/{second['id']}", json={"content": "A lamp."})
    answers = await asyncio.gather(
        member.program.post(f"{path}/{first['id']}/split", json={"offset": 20}),
        member.program.post(f"{path}/merge", json={"chunkIds": [first["id"], second["id"]]}),
        member.program.delete(f"{path}/{second['id']}"),
        member.program.post(path, json={"content": "One more.", "index": 0}),
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 204, 404, 409}
    assert [chunk["id"] for chunk in await _chunks(member, document)][-len(rest) :] == [
        chunk["id"] for chunk in rest
    ]
    await shelf.check_counts()


async def test_passages_of_others_are_not_there_and_readers_change_nothing(
    member: Member, stranger: Member, document: str
) -> None:
    first, second, *_ = chunks = await _chunks(member, document)
    reader = {"name": "reader", "scopes": ["read"]}
    key = (await member.browser.post("/api/auth/api-keys", json=reader)).json()["key"]
    calls: list[tuple[str, str, Any]] = [
        ("POST", "chunks", {"content": "Mine."}),
        ("DELETE", f"chunks/{first['id']}", None),
        ("POST", f"chunks/{first['id']}/split", {"offset": 20}),
        ("POST", "chunks/merge", {"chunkIds": [first["id"], second["id"]]}),
    ]
    for method, path, body in calls:
        theirs = await stranger.program.request(method, f"{document}/{path}", json=body)
        assert theirs.status_code == 404, path
        read = await member.browser.request(
            method, f"{document}/{path}", json=body, headers={"x-api-key": key}
        )
        assert read.status_code == 403, path
    assert await _chunks(member, document) == chunks

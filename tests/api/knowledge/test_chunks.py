"""A passage is corrected or taken out of search, and search knows it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.services import Services
from tests.api.conftest import Member

Work = Callable[[], Awaitable[int]]
MARKER = "zibbelquarz"
TEXT = f"The {MARKER} is kept in the third drawer of the harbour office."


@pytest.fixture
async def document(member: Member, base_path: str, work: Work) -> str:
    """Path of a document of one passage."""
    body = {"text": TEXT, "name": "drawer.txt"}
    made = await member.program.post(f"{base_path}/documents", json=body)
    await work()
    return f"{base_path}/documents/{made.json()['id']}"


async def _chunk(member: Member, document: str) -> dict[str, Any]:
    (chunk,) = (await member.program.get(f"{document}/chunks")).json()["data"]
    return dict(chunk)


async def _found(member: Member, base_path: str, query: str) -> dict[str, bool]:
    """Return, for each mode, whether a passage with the query's last word comes first."""
    word, found = query.rsplit(" ", 1)[-1], {}
    for mode in ("keyword", "vector", "hybrid"):
        body = {"query": query, "mode": mode}
        results = (await member.program.post(f"{base_path}/search", json=body)).json()["results"]
        found[mode] = any(word in result["content"] for result in results)
    return found


def _all(value: bool) -> dict[str, bool]:
    return {"keyword": value, "vector": value, "hybrid": value}


async def test_a_corrected_passage_is_found_by_its_new_words_only(
    member: Member, base_path: str, document: str
) -> None:
    chunk = await _chunk(member, document)
    before = (await member.program.get(base_path)).json()
    text = "Lanterns are lent out by the lighthouse keeper Brombeer."
    path = f"{document}/chunks/{chunk['id']}"
    changed = await member.program.patch(path, json={"content": text})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["content"], changed.json()["id"]) == (text, chunk["id"])
    assert await _found(member, base_path, MARKER) == _all(False)
    assert await _found(member, base_path, "keeper Brombeer") == _all(True)
    after = (await member.program.get(base_path)).json()
    added = changed.json()["tokenCount"] - chunk["tokenCount"]
    assert after["tokenCount"] == before["tokenCount"] + added
    assert after["chunkCount"] == before["chunkCount"] == 1
    assert (await member.program.get(document)).json()["tokenCount"] == after["tokenCount"]


async def test_two_corrections_at_once_leave_one_whole_passage(
    member: Member, base_path: str, document: str
) -> None:
    path = f"{document}/chunks/{(await _chunk(member, document))['id']}"
    texts = ["The first says Apfelbaum", "The second says Birnbaum"]
    answers = await asyncio.gather(
        *(member.program.patch(path, json={"content": text}) for text in texts)
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    kept = (await _chunk(member, document))["content"]
    assert kept in texts
    for text in texts:
        found = await _found(member, base_path, text)
        assert found == _all(text == kept)


@pytest.mark.parametrize("what", ["document", "chunk"])
async def test_what_is_disabled_is_not_found_and_comes_back(
    member: Member, base_path: str, document: str, what: str
) -> None:
    chunk = await _chunk(member, document)
    path = document if what == "document" else f"{document}/chunks/{chunk['id']}"
    query = f"Where is the {MARKER}"
    assert await _found(member, base_path, query) == _all(True)
    off = await member.program.patch(path, json={"enabled": False})
    assert (off.status_code, off.json()["enabled"]) == (200, False)
    assert await _found(member, base_path, query) == _all(False)
    tool = {"name": "search_knowledge", "arguments": {"query": query}}
    said = await member.program.post("/api/copilot/tools/execute", json=tool)
    assert TEXT not in said.text
    await member.program.patch(path, json={"enabled": True})
    assert await _found(member, base_path, query) == _all(True)


async def test_a_document_is_renamed(member: Member, document: str) -> None:
    renamed = await member.program.patch(document, json={"name": "C:\\docs\\office.md"})
    assert renamed.json()["name"] == "office.md"
    assert (await member.program.patch(document, json={"name": ""})).status_code == 400


@pytest.mark.parametrize(
    "body", [{"content": ""}, {"content": "word " * 400}, {"content": "x" * 20_000}, {"page": 2}]
)
async def test_a_passage_that_cannot_be_is_refused(
    member: Member, document: str, body: dict[str, Any]
) -> None:
    chunk = await _chunk(member, document)
    answer = await member.program.patch(f"{document}/chunks/{chunk['id']}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert await _chunk(member, document) == chunk


async def test_a_passage_of_another_document_or_tenant_is_not_there(
    member: Member, stranger: Member, base_path: str, document: str, services: Services
) -> None:
    chunk = await _chunk(member, document)
    other = await member.program.post(f"{base_path}/documents", json={"text": "Other."})
    body = {"content": "mine"}
    for client, path in (
        (stranger, document),
        (member, f"{base_path}/documents/{other.json()['id']}"),
    ):
        answer = await client.program.patch(f"{path}/chunks/{chunk['id']}", json=body)
        assert answer.status_code == 404

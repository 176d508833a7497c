"""A document with a word of its own: found everywhere, deleted, and from then on nowhere."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from tests.api.conftest import Member

MARKER = "zibbelquarz"
TEXT = f"The {MARKER} is kept in the third drawer of the harbour office."
QUESTION = f"Where is the {MARKER} kept?"
OTHER = "The keys of the boat shed hang beside the door of the canteen."
MODES = ("hybrid", "vector", "keyword")
Work = Callable[[], Awaitable[int]]


@pytest.fixture
async def added(member: Member, base_path: str, work: Work) -> str:
    """Path of the document with the marker, which has a neighbour in its base."""
    paths = []
    for name, text in ((f"{MARKER}.md", TEXT), ("keys.md", OTHER)):
        body = {"text": text, "name": name, "metadata": {"label": name}}
        made = await member.program.post(f"{base_path}/documents", json=body)
        assert made.status_code == 202, made.text
        paths.append(f"{base_path}/documents/{made.json()['id']}")
    await work()
    return paths[0]


async def _everything_found(member: Member, base_path: str) -> dict[str, str]:
    """Return what each way of looking for the marker answers, as text."""
    found = {}
    for mode in MODES:
        for group in ("chunk", "document"):
            body = {"query": QUESTION, "mode": mode, "groupBy": group, "expand": True}
            answer = await member.program.post(f"{base_path}/search", json=body)
            assert answer.status_code == 200, answer.text
            found[f"{mode} {group}"] = json.dumps(answer.json()["results"])
    tool = {"name": "search_knowledge", "arguments": {"query": QUESTION}}
    found["tool"] = (await member.program.post("/api/copilot/tools/execute", json=tool)).text
    found["documents"] = (await member.program.get(f"{base_path}/documents")).text
    return found


async def _asked(member: Member, chat_id: str | None = None) -> dict[str, str]:
    body = {"message": QUESTION, **({"chatId": chat_id} if chat_id else {})}
    answer = await member.program.post("/api/copilot/chat", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_deleted_document_is_found_nowhere(
    member: Member, base_path: str, added: str
) -> None:
    before = await _everything_found(member, base_path)
    assert all(MARKER in text for text in before.values()), before
    assert MARKER in (await member.program.get(f"{added}/chunks")).text
    first = await _asked(member)
    assert TEXT in first["content"]
    assert first["citations"]

    assert (await member.program.delete(added)).status_code == 204

    after = await _everything_found(member, base_path)
    # A query is never in its own results; the neighbour still is.
    assert not [way for way, text in after.items() if MARKER in text.replace(QUESTION, "")]
    assert "keys.md" in after["vector chunk"]
    for path in (added, f"{added}/chunks"):
        assert (await member.program.get(path)).status_code == 404
    for chat_id in (None, first["chatId"]):
        again = await _asked(member, chat_id)
        assert MARKER not in again["content"]
        assert again["citations"] == []
    base = (await member.program.get(base_path)).json()
    assert (base["documentCount"], base["chunkCount"]) == (1, 1)

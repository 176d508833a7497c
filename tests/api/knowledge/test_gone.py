"""A document with a word of its own: found everywhere, deleted, and from then on nowhere."""

from __future__ import annotations

import asyncio
import json
import random
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


@pytest.mark.parametrize("what", ["document", "passage"])
async def test_what_is_disabled_is_out_of_search_chat_and_citations(
    member: Member, base_path: str, added: str, what: str
) -> None:
    first = await _asked(member)
    assert TEXT in first["content"]
    (passage,) = (await member.program.get(f"{added}/chunks")).json()["data"]
    path = added if what == "document" else f"{added}/chunks/{passage['id']}"
    assert (await member.program.patch(path, json={"enabled": False})).status_code == 200

    after = await _everything_found(member, base_path)
    del after["documents"]  # it is still there to be enabled again
    assert not [way for way, text in after.items() if MARKER in text.replace(QUESTION, "")]
    for chat_id in (None, first["chatId"]):
        again = await _asked(member, chat_id)
        assert MARKER not in again["content"]
        assert again["citations"] == []

    assert (await member.program.patch(path, json={"enabled": True})).status_code == 200
    assert all(MARKER in text for text in (await _everything_found(member, base_path)).values())


def _word(number: int) -> str:
    """Return a word that no other text has."""
    return "zibbel" + "".join("abcdefghij"[int(digit)] for digit in f"{number:03}") + "quarz"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_markers_are_unreachable_from_their_deletion_on_under_load(
    member: Member, base_path: str, work: Work
) -> None:
    words = [_word(number) for number in range(12)]
    paths = {}
    for word in words:
        body = {"text": f"The {word} is kept in the third drawer.", "name": f"{word}.md"}
        made = await member.program.post(f"{base_path}/documents", json=body)
        paths[word] = f"{base_path}/documents/{made.json()['id']}"
    await work()
    gone: set[str] = set()
    asked = dict.fromkeys((*MODES, "tool", "chat"), 0)
    leaks: list[tuple[str, str]] = []
    is_over = asyncio.Event()

    async def ask(way: str, word: str) -> str:
        question = f"Where is the {word} kept?"
        if way in MODES:
            answer = await member.program.post(
                f"{base_path}/search", json={"query": question, "mode": way, "topK": 50}
            )
            found = json.dumps(answer.json()["results"])
        elif way == "tool":
            tool = {"name": "search_knowledge", "arguments": {"query": question}}
            found = (await member.program.post("/api/copilot/tools/execute", json=tool)).text
        else:
            answer = await member.program.post("/api/copilot/chat", json={"message": question})
            found = json.dumps([answer.json()["content"], answer.json()["citations"]])
        assert answer_is_whole(found)
        return found.replace(question, "")

    async def look(way: str, seed: int) -> None:
        draw = random.Random(seed)
        while not is_over.is_set():
            before = set(gone)  # a deletion that is answered while we ask may still be seen
            found = await ask(way, draw.choice(words))
            leaks.extend((way, word) for word in before if word in found)
            asked[way] += 1

    load = [asyncio.ensure_future(look(way, seed)) for seed, way in enumerate(asked)]
    try:
        for number, word in enumerate(words):
            body = {"text": f"Rope number {number} lies on the quay.", "name": f"rope{number}.md"}
            await member.program.post(f"{base_path}/documents", json=body)
            writing = asyncio.ensure_future(work())
            assert (await member.program.delete(paths[word])).status_code == 204
            gone.add(word)
            await writing
            await asyncio.sleep(0.5)
    finally:
        is_over.set()
        await asyncio.gather(*load)
    print(f"asked after deletions: {asked}")
    assert leaks == []
    assert min(asked.values()) >= len(words) / 2


def answer_is_whole(found: str) -> bool:
    """Whether something was answered at all, if only that there is nothing."""
    return bool(found) and "RATE_LIMITED" not in found

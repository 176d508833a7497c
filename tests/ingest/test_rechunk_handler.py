"""What happens to documents while their base's chunking is being changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import intake
from core.intake import Content
from core.services import Services
from core.store.knowledge_bases import KnowledgeBase
from ingest import document_walk, rechunk_handler, small_documents
from ingest.process import Processor
from tests.conftest import Owner
from tests.faults.shelf import Shelf
from tests.ingest.two_models import Models
from tests.knowledge import make_base

NAMES = ("a.txt", "b.txt", "c.txt")


def _text(name: str, word: str = "berth") -> bytes:
    return " ".join(f"The {word} {n} of {name} has a ring." for n in range(20)).encode()


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    models = Models()
    for module in (document_walk, small_documents):
        monkeypatch.setattr(module, "get_embedder", models.get)
    return models


@pytest.fixture
async def shelf(services: Services, owner: Owner, models: Models, processor: Processor) -> Shelf:
    """A base with read documents."""
    shelf = Shelf(services, await make_base(services.store, owner.workspace_id))
    for name in NAMES:
        await shelf.add(name, _text(name))
    await processor.drain()
    return shelf


async def _change(shelf: Shelf, max_tokens: int) -> None:
    async with shelf.services.store.unit(shelf.base.workspace_id) as unit:
        base = await unit.bases.lock(shelf.base.id)
        assert base is not None
        before = base.chunking_key
        base.chunking = {"maxTokens": max_tokens}
        await unit.flush()
        await unit.rechunkings.begin(base, before)


async def _longest(shelf: Shelf) -> dict[str, int]:
    """Return the tokens of each document's longest chunk."""
    longest: dict[str, int] = {}
    for row in await shelf.chunks():
        longest[row.name] = max(longest.get(row.name, 0), row.token_count)
    return longest


def _are_cut(longest: dict[str, int], max_tokens: int) -> bool:
    return all(max_tokens / 2 < tokens <= max_tokens for tokens in longest.values())


async def _is_ended(shelf: Shelf) -> bool:
    async with shelf.services.store.unit(shelf.base.workspace_id) as unit:
        return not await unit.rechunkings.latest([shelf.base.id])


async def test_each_document_switches_as_a_whole(
    shelf: Shelf, models: Models, processor: Processor
) -> None:
    seen: list[dict[str, int]] = []

    async def look() -> None:
        seen.append(await _longest(shelf))
        await shelf.check_counts()

    models.before = look
    await _change(shelf, 50)
    await processor.drain()
    assert len(seen) == len(NAMES)
    assert [sum(tokens <= 50 for tokens in each.values()) for each in seen] == [0, 1, 2]
    assert _are_cut(await _longest(shelf), 50)
    assert await _is_ended(shelf)
    await shelf.check_counts()


async def test_a_second_change_meanwhile_counts(
    shelf: Shelf, models: Models, processor: Processor
) -> None:
    changes = iter([32, 80])

    async def change() -> None:
        if size := next(changes, None):
            await _change(shelf, size)

    models.before = change
    await _change(shelf, 50)
    await processor.drain()
    assert _are_cut(await _longest(shelf), 80)
    assert await _is_ended(shelf)
    await shelf.check_counts()


async def test_a_document_that_is_being_read_ends_as_the_base_says_then(
    shelf: Shelf, models: Models, processor: Processor
) -> None:
    async def change() -> None:
        models.before = models._nothing
        await _change(shelf, 50)

    models.before = change
    await shelf.add("d.txt", _text("d.txt"))
    assert await processor.process_next()
    assert (await _longest(shelf))["d.txt"] <= 50


async def test_another_version_that_came_meanwhile_is_not_overwritten(
    shelf: Shelf, models: Models, processor: Processor, services: Services
) -> None:
    async def replace() -> None:
        models.before = models._nothing
        await _replace(services, shelf.base, _text("x", "pier"))

    models.before = replace
    await _change(shelf, 50)
    await processor.process_next()
    await processor.drain()
    texts = {row.content for row in await shelf.chunks() if row.name == "new.txt"}
    assert texts and all("pier" in text and "berth" not in text for text in texts)
    assert _are_cut(await _longest(shelf), 50)
    await shelf.check_counts()


async def _replace(services: Services, base: KnowledgeBase, content: bytes) -> None:
    """Give the document that is in work another version, and read it at once."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    stored = await services.blobs.put(pieces(), 10**6)
    new = Content("new.txt", "text/plain", stored.size, stored.checksum, stored.key)
    async with services.store.unit(base.workspace_id) as unit:
        (job,) = (await unit.rechunkings.latest([base.id])).values()
        document = await unit.documents.get(job.document_id or "")
        assert document is not None
        await intake.replace(unit, document, new, services.queue, services.blobs)
    other = Processor(services)
    assert await other.process_next()
    await other.close()


async def test_a_long_one_is_done_in_turns(
    shelf: Shelf, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rechunk_handler, "_TURN_SECONDS", 0.0)
    await _change(shelf, 50)
    assert await processor.process_next()
    async with shelf.services.store.unit(shelf.base.workspace_id) as unit:
        job = (await unit.rechunkings.latest([shelf.base.id]))[shelf.base.id]
    assert (job.status, job.attempts) == ("pending", 0)
    assert sorted(tokens <= 50 for tokens in (await _longest(shelf)).values()) == [
        *(False, False, True)
    ]
    await processor.drain()
    assert _are_cut(await _longest(shelf), 50)


async def test_a_document_that_ends_its_worker_each_time_is_passed_over(
    shelf: Shelf, processor: Processor
) -> None:
    await _change(shelf, 50)
    (first, *_) = sorted(document.id for document in (await shelf.documents()).values())
    await shelf.execute(
        "UPDATE rechunkings SET document_id = :document_id, attempts = 2", document_id=first
    )
    await processor.drain()
    async with shelf.services.store.unit(shelf.base.workspace_id) as unit:
        job = (await unit.rechunkings.latest([shelf.base.id]))[shelf.base.id]
        counts = await unit.rechunkings.count_documents(await unit.bases.lock(shelf.base.id))
        document = await unit.documents.get(first)
    assert (job.status, counts.done, counts.failed) == ("failed", 2, 1)
    assert document is not None and document.rechunk_error is not None
    assert (document.status, document.rechunk_error["code"]) == ("completed", "WORKER_LOST")

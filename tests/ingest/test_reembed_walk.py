"""A base's change to another embedding model, with a stand-in for both models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import intake
from core.errors import NuxaError
from core.intake import Content
from core.services import Services
from core.store.chunks import ModelChanged
from core.store.jobs import WAITING
from core.store.knowledge_bases import KnowledgeBase
from core.store.measures import Asked
from core.store.reembeddings import Reembedding
from core.store.scoring import Sought
from ingest import document_walk, reembed_walk
from ingest.process import Processor
from pipelines import search as searching
from pipelines.search import SearchQuery, search
from tests.conftest import Owner
from tests.ingest.two_models import OTHER_DIMENSIONS, Models
from tests.knowledge import DIMENSIONS, add_document, embedded, make_base, new_chunk


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    models = Models()
    for module in (document_walk, reembed_walk, searching):
        monkeypatch.setattr(module, "get_embedder", models.get)
    monkeypatch.setattr(reembed_walk, "_BATCH", 2)
    return models


@pytest.fixture
async def base(services: Services, owner: Owner) -> KnowledgeBase:
    base = await make_base(services.store, owner.workspace_id)
    await add_document(services.store, base, [f"berth number{number}" for number in range(7)])
    return base


async def _begin(services: Services, base: KnowledgeBase) -> Reembedding:
    async with services.store.unit(base.workspace_id) as unit:
        return await unit.reembeddings.begin(base, "other", OTHER_DIMENSIONS)


async def _now(services: Services, base: KnowledgeBase) -> KnowledgeBase:
    async with services.store.unit(base.workspace_id) as unit:
        found = await unit.bases.get(base.id)
    assert found is not None
    return found


async def _change(services: Services, base: KnowledgeBase) -> Reembedding | None:
    async with services.store.unit(base.workspace_id) as unit:
        return (await unit.reembeddings.latest([base.id])).get(base.id)


async def _found(services: Services, base: KnowledgeBase, words: str) -> str:
    """Return the nearest passage: a vector of the wrong model would be refused or find nothing."""
    query = SearchQuery(words, mode="vector")
    answer = await search(services.store, base.workspace_id, [base.id], query)
    return answer.results[0].content


async def _vectors(services: Services) -> dict[int, set[int]]:
    """Return how long the vectors of each set are."""
    lengths = "SELECT DISTINCT base_no, vector_dims(embedding) FROM vectors"
    async with services.store.engine.connect() as connection:
        found: dict[int, set[int]] = {}
        for number, length in await connection.execute(text(lengths)):
            found.setdefault(number, set()).add(length)
    return found


async def test_the_old_model_answers_until_the_new_one_has_everything(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    await _begin(services, base)
    seen: list[tuple[str, str, float]] = []

    async def look() -> None:
        seen.append(
            (
                (await _now(services, base)).embedding_model,
                await _found(services, base, "number3"),
                0.0,
            )
        )

    models.before = look
    await processor.drain()
    assert len(seen) == 4
    assert {model for model, _, _ in seen} == {"words"}
    after = await _now(services, base)
    assert (after.embedding_model, after.embedding_dimensions) == ("other", OTHER_DIMENSIONS)
    assert {found for _, found, _ in seen} == {"berth number3"}
    assert await _found(services, base, "number3") == "berth number3"
    assert await _change(services, base) is None


async def test_searches_beside_it_never_mix_models(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    async def breathe() -> None:
        await asyncio.sleep(0.02)

    models.before = breathe
    await _begin(services, base)
    work = asyncio.create_task(processor.drain())
    while not work.done():
        # Databases refuse to compare vectors of different lengths: none may be met.
        found = await asyncio.gather(*(_found(services, base, "number5") for _ in range(4)))
        assert set(found) == {"berth number5"}
    assert (await _now(services, base)).embedding_model == "other"


async def test_a_search_that_began_before_the_switch_ends_with_what_it_began(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    async with services.store.unit(base.workspace_id) as unit:
        (before,) = await unit.hits.bases([base.id])
    await _begin(services, base)
    await processor.drain()
    async with services.store.unit(base.workspace_id) as unit:
        near = await unit.vectors.nearest([before], embedded("number2"), 1)
        found = await unit.hits.get(near)
        measured = await unit.measures.measure(Asked([before], Sought({}, {}, (1.0, 1.0)), near))
    assert [chunk.content for chunk in found.values()] == ["berth number2"]
    assert measured.vectors.shape == (1, DIMENSIONS)


async def test_documents_that_come_meanwhile_are_not_lost(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    came = 0

    async def one_comes() -> None:
        nonlocal came
        if came < 3:
            came += 1
            await add_document(services.store, base, [f"pier number{90 + came}"], f"{came}.txt")

    models.before = one_comes
    await _begin(services, base)
    await processor.drain()
    assert (await _now(services, base)).embedding_model == "other"
    for number in (91, 92, 93):
        assert await _found(services, base, f"pier number{number}") == f"pier number{number}"


async def test_a_document_that_is_embedded_across_the_switch_is_embedded_again(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"The lighthouse number77 was painted."

    stored = await services.blobs.put(pieces(), 10**6)
    given = Content("light.txt", "", stored.size, stored.checksum, stored.key)
    async with services.store.unit(base.workspace_id) as unit:
        await intake.add(unit, base.id, given, services.queue, services.blobs)
    has_switched = False

    async def switch() -> None:
        nonlocal has_switched
        if not has_switched:
            has_switched = True
            await _begin(services, base)
            other = Processor(services)
            assert await other.process_next()
            await other.close()

    models.before = switch
    while await processor.process_next():  # one at a time: the change is for the other processor
        pass
    assert (await _now(services, base)).embedding_model == "other"
    assert "number77" in await _found(services, base, "lighthouse number77")
    assert any("number77" in each for each in models.words.embedded)
    sets = await _vectors(services)
    assert sets[(await _now(services, base)).vector_set] == {OTHER_DIMENSIONS}


async def test_what_was_embedded_with_the_old_model_is_refused(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    await _begin(services, base)
    await processor.drain()
    with pytest.raises(ModelChanged):
        await add_document(services.store, base, ["too late"])


async def test_a_passage_that_is_edited_meanwhile_has_its_new_words_vector(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    edits = iter(["number0", "number4"])  # one that has its new vector, one that is in work

    async def edit() -> None:
        wanted = next(edits, None)
        if wanted is None:
            return
        async with services.store.unit(base.workspace_id) as unit:
            rows = await unit.hits.matching([base.id], None)
            old = next(row for row in rows if row.content == f"berth {wanted}")
            new = new_chunk(f"quay of {wanted}9", "notes")
            row = await unit.chunks.get(base.id, old.document_id, old.id)
            assert row is not None
            await unit.chunk_edits.rewrite(base, row, new)

    async def edit_late() -> None:
        models.before = edit

    models.before = edit_late
    await _begin(services, base)
    await processor.drain()
    assert (await _now(services, base)).embedding_model == "other"
    for number in ("number09", "number49"):
        assert await _found(services, base, f"quay {number}") == f"quay of {number}"


async def test_passages_that_are_added_and_deleted_meanwhile_are_counted(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    async def change() -> None:
        models.before = models._nothing
        async with services.store.unit(base.workspace_id) as unit:
            rows = await unit.hits.matching([base.id], None)
            document_id = rows[0].document_id
            first, second = await unit.chunks.get_all(
                base.id, document_id, [row.id for row in rows[:2]]
            )
            await unit.chunk_edits.delete(base, first)
            await unit.chunk_edits.add(base, document_id, new_chunk("quay number77"), 0)
            await unit.chunk_edits.split(
                base, second, new_chunk("berth"), new_chunk("pier number78")
            )

    models.before = change
    await _begin(services, base)
    await processor.drain()
    assert (await _now(services, base)).embedding_model == "other"
    for words in ("quay number77", "pier number78"):
        assert await _found(services, base, words) == words
    sets = await _vectors(services)
    assert sets[(await _now(services, base)).vector_set] == {OTHER_DIMENSIONS}


async def test_a_long_one_is_done_in_turns(
    services: Services,
    base: KnowledgeBase,
    models: Models,
    processor: Processor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reembed_walk, "_TURN_SECONDS", 0.0)
    await _begin(services, base)
    assert await processor.process_next()
    change = await _change(services, base)
    assert change is not None and (change.status, change.attempts) == ("pending", 0)
    assert len(models.other.embedded) == 2
    await processor.drain()
    assert (await _now(services, base)).embedding_model == "other"
    assert sorted(models.other.embedded) == sorted(set(models.other.embedded))  # none twice


async def test_one_that_fails_says_why_and_the_base_keeps_its_model(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    async def refuse() -> None:
        raise NuxaError("The model server is away.")

    models.before = refuse
    await _begin(services, base)
    await processor.drain()
    change = await _change(services, base)
    assert change is not None and change.status == "failed"
    assert change.error is not None and change.error["message"] == "The model server is away."
    assert await _found(services, base, "number4") == "berth number4"


async def test_what_is_replaced_or_given_up_is_swept_when_no_search_reads_it(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    await _begin(services, base)
    await processor.drain()
    assert len(await _vectors(services)) == 2
    async with services.store.system() as system:
        assert not await system.reembedding_leftovers.sweep(3)  # too soon
        swept = [await system.reembedding_leftovers.sweep(3, timedelta(0)) for _ in range(4)]
    assert swept == [True, True, True, False]
    assert await _vectors(services) == {(await _now(services, base)).vector_set: {OTHER_DIMENSIONS}}


async def test_one_that_is_stopped_changes_nothing(
    services: Services, base: KnowledgeBase, models: Models, processor: Processor
) -> None:
    row = await _begin(services, base)

    async def stop() -> None:
        async with services.store.unit(base.workspace_id) as unit:
            await unit.reembeddings.cancel(row.id)
        models.before = models._nothing

    models.before = stop
    await processor.drain()
    async with services.store.unit(base.workspace_id) as unit:
        held = await unit.reembeddings.fresh(await unit._session.merge(row))
    assert held.status == "cancelled" and held.status not in WAITING
    assert (await _now(services, base)).embedding_model == "words"
    assert await _change(services, base) is None

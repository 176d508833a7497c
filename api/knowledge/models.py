"""Which embedding model a base has, and how it gets another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from api.call import Call
from api.knowledge.chunking import describe_rechunking
from api.knowledge.schemas import BaseAnswer, ReembeddingAnswer
from core.config import PACKAGED_EMBEDDING_MODEL, Settings
from core.errors import Conflict, ValidationFailed
from core.models.embed import get_embedder
from core.store.knowledge_bases import KnowledgeBase
from core.store.reembeddings import Reembedding
from core.store.unit import Unit


def allowed_model(wanted: str | None, settings: Settings) -> str:
    """Return an embedding model for a base: the server's, or the one it always has."""
    known = (settings.embedding_model, PACKAGED_EMBEDDING_MODEL)
    if wanted is not None and wanted not in known:
        said = f"This server embeds with {' or '.join(dict.fromkeys(known))}."
        raise ValidationFailed.at("embeddingModel", "unknown model", "unknown_model", sentence=said)
    return wanted or settings.embedding_model


async def dimensions_of(model: str) -> int:
    """Return the length of a model's vectors; slow when it was never used here."""
    embedder = get_embedder(model)
    return await asyncio.to_thread(lambda: embedder.dimensions)


async def change_model(call: Call, base: KnowledgeBase, model: str, dimensions: int) -> None:
    """Have a base embedded anew in the background, or stop that.

    Asking for the model that is being changed to changes nothing, asking for the base's own stops
    a change. Raises ``Conflict`` for a third one while a change goes on.
    """
    changes = call.unit.reembeddings
    running = (await changes.latest([base.id])).get(base.id)
    if running is not None and running.status == "failed":
        running = None
    if running is not None and running.cancel_requested:
        raise Conflict("A change of model is being stopped; try again in a moment.")
    if model == base.embedding_model:
        if running is not None:
            await _stop(call, base, running)
        return
    if running is not None and running.model == model:
        return
    if running is not None:
        raise Conflict(
            f"The base is being embedded anew with {running.model}: wait until reembedding is null,"
            f" or stop it by setting embeddingModel to {base.embedding_model} first."
        )
    row = await changes.begin(base, model, dimensions)
    call.unit.after_commit(partial(call.services.queue.wake, "documents", row.id))
    call.audit("knowledge.model_changed", base.id, model=model)


async def _stop(call: Call, base: KnowledgeBase, running: Reembedding) -> None:
    if not await call.unit.reembeddings.cancel(running.id):
        raise Conflict("The change of model has just ended; look at the base again.")
    call.audit("knowledge.model_change_stopped", base.id, model=running.model)


async def answers_of(unit: Unit, bases: Sequence[KnowledgeBase]) -> list[BaseAnswer]:
    """Return bases as they are shown, with the changes that go on or failed."""
    base_ids = [base.id for base in bases]
    changes = await unit.reembeddings.latest(base_ids)
    rechunkings = await unit.rechunkings.latest(base_ids)
    answers = []
    for base in bases:
        answer = BaseAnswer.model_validate(base)
        change = changes.get(base.id)
        if change is not None and not change.cancel_requested:
            answer.reembedding = ReembeddingAnswer.model_validate(change)
        if base.id in rechunkings:
            answer.rechunking = await describe_rechunking(unit, base, rechunkings[base.id])
        answers.append(answer)
    return answers

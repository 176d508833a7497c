"""The search for a turn's question, which may begin before the turn is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from copilot.memory import is_whole
from core.services import Services
from core.store.hits import SearchedBase
from pipelines.passages import Passage
from pipelines.retrieval import find

_under_way: Final[set[asyncio.Task[list[Passage]]]] = set()


async def search(
    services: Services,
    workspace_id: str,
    base_ids: Sequence[str],
    words: str,
    known: Sequence[SearchedBase],
) -> list[Passage]:
    """Return the passages for some words, by turns of workspaces.

    ``known`` are these bases, where they have just been read.
    """
    async with services.retrievals.slot(workspace_id):
        return await find(services.store, workspace_id, base_ids, words, known)


def begin_search(
    services: Services,
    workspace_id: str,
    bases: Sequence[SearchedBase],
    question: str,
    *,
    is_first: bool,
) -> asyncio.Task[list[Passage]] | None:
    """Begin to search for a question that means the same whatever was said before it, None for one
    that has to be made whole. It only reads: that nobody waits for it does no harm.
    """
    if not bases or not (is_first or is_whole(question)):
        return None
    base_ids = [base.id for base in bases]
    work = search(services, workspace_id, base_ids, question, bases)
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[list[Passage]]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # raised where it is awaited, if the turn came to be

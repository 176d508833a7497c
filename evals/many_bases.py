"""Many bases in one installation: whether a search of one pays for the others.

The same small bases are searched when there are few of them, and again when there are many.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from core.ids import new_id
from core.store.knowledge_bases import KnowledgeBase
from core.store.pages import PageRequest, Position
from core.store.unit import Store
from core.store.vector_indexes import tend
from evals.metrics import percentile
from evals.scale import World, asked, passages, write
from evals.scratch import progress_bar

_FEW: Final = 10
_QUESTIONS: Final = 100
_TOGETHER: Final = 20  # bases of a chat
_PAGE: Final = 100

Create = Callable[[], Awaitable[KnowledgeBase]]


async def run(
    store: Store, workspace_id: str, create: Create, bases: int, passages_each: int
) -> dict[str, Any]:
    """Fill ``bases`` bases that ``create`` makes, of so many passages each; return the figures.

    Times are milliseconds of a hybrid search, its question embedded.
    """
    sample = await create()
    world = World(sample.embedding_dimensions)
    made = [sample, *[await create() for _ in range(_FEW - 1)]]
    await _fill(store, world, made, passages_each)
    few = await _searched(store, workspace_id, world, made)
    more = [await create() for _ in range(bases - _FEW)]
    await _fill(store, world, more, passages_each)
    began = time.perf_counter()
    await tend(store)
    tended = time.perf_counter() - began
    made += more
    many = await _searched(store, workspace_id, world, made)
    ids = [base.id for base in made[:: max(1, len(made) // _TOGETHER)]][:_TOGETHER]
    _, together = await asked(store, workspace_id, ids, world.questions(_QUESTIONS))
    return {
        "bases": len(made),
        "passages": len(made) * passages_each,
        "few": _times(few),
        "many": _times(many),
        "twentyTogether": _times(together),
        "listed": _times(await _listed(store, workspace_id)),
        "upkeepSeconds": tended,
    }


async def _fill(store: Store, world: World, bases: list[KnowledgeBase], each: int) -> None:
    with progress_bar() as bar:
        task = bar.add_task("writing bases", total=len(bases))
        for base in bases:
            await write(store, base, new_id("part"), passages(world, 0, each))
            bar.advance(task)


async def _searched(
    store: Store, workspace_id: str, world: World, bases: list[KnowledgeBase]
) -> list[float]:
    """Return how long each question took, each to another base."""
    questions = world.questions(_QUESTIONS)
    step = max(1, len(bases) // _QUESTIONS)
    took = []
    for number, question in enumerate(questions):
        base = bases[number * step % len(bases)]
        counts, (milliseconds,) = await asked(store, workspace_id, [base.id], [question])
        if not counts[0]:
            raise RuntimeError(f"nothing was found in {base.id}")
        took.append(milliseconds)
    return took


async def _listed(store: Store, workspace_id: str) -> list[float]:
    """Return how long each page of the list of bases took."""
    took: list[float] = []
    after: Position | None = None
    while True:
        began = time.perf_counter()
        async with store.unit(workspace_id) as unit:
            page = await unit.bases.page(PageRequest(_PAGE, after))
        took.append((time.perf_counter() - began) * 1000)
        if page.next is None:
            return took
        after = page.next


def _times(took: list[float]) -> dict[str, float]:
    return {"p50": percentile(took, 0.5), "p95": percentile(took, 0.95)}

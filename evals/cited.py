"""Asks the copilot itself, and measures what it cites: right files, and statements that answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from copilot import offline, turn
from copilot.begin import Ask, begin
from core.services import Services
from evals.answer_measures import measures
from evals.asking import Row, each
from evals.cases import AnswerSet, Question
from evals.scratch import USER
from evals.support_labels import count_supported, load_labels


async def run(
    services: Services,
    workspace_id: str,
    base_id: str,
    cases: AnswerSet,
    minutes: float | None = None,
    known: Sequence[Row] = (),
    keep: Callable[[list[Row]], None] | None = None,
) -> dict[str, Any]:
    """Ask every question in a chat of its own, until time is up; return ``{right, of}`` for each
    measure, and the answers. ``known`` are answers of an earlier run."""
    offline.register()

    async def ask(question: Question) -> Row:
        return await _answered(services, workspace_id, base_id, question)

    rows = await each(cases.questions, ask, minutes, known, keep)
    asked = {question.id: question for question in cases.questions}
    answers = [
        (asked[row["id"]], row["content"], row["citations"]) for row in rows if row["id"] in asked
    ]
    supported = count_supported(rows, load_labels(cases.name))
    return measures(answers) | supported | {"answers": rows}


async def _answered(services: Services, workspace_id: str, base_id: str, question: Question) -> Row:
    """Return one answer with its citations; raises ``RuntimeError`` when the turn failed."""
    began = time.perf_counter()
    async with services.store.unit(workspace_id) as unit:
        asked = Ask(question.text, base_ids=[base_id])
        begun = await begin(unit, services, USER, asked)
    await turn.run(services, begun)
    async with services.store.unit(workspace_id) as unit:
        answer = await unit.messages.get(begun.message.id, USER)
    if answer is None or answer.status != "completed":
        raise RuntimeError(f"the turn about {question.id} failed: {answer and answer.error}")
    return {
        "id": question.id,
        "content": answer.content,
        "citations": list(answer.citations),
        "seconds": round(time.perf_counter() - began, 1),
    }

"""Asks the copilot itself, and measures what it cites: right files, words that are there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from copilot import offline, turn
from copilot.begin import Ask, begin
from core.services import Services
from evals.cases import AnswerSet, Question
from evals.scratch import USER, progress_bar

# A figure of an answer: a number of two digits or more, without its grouping commas.
_FIGURE: Final = re.compile(r"\d[\d,]*\.?\d+")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


async def run(
    services: Services, workspace_id: str, base_id: str, cases: AnswerSet
) -> dict[str, dict[str, int]]:
    """Ask every question in a chat of its own; return ``{right, of}`` for each measure."""
    offline.register()
    answers: list[tuple[Question, Sequence[dict[str, Any]]]] = []
    with progress_bar() as bar:
        task = bar.add_task("asking the copilot", total=len(cases.questions))
        for question in cases.questions:
            answers.append((question, await _cited(services, workspace_id, base_id, question)))
            bar.advance(task)
    return _measures(answers) | {
        "quotesStand": await _standing(services, workspace_id, [c for _, cs in answers for c in cs])
    }


async def _cited(
    services: Services, workspace_id: str, base_id: str, question: Question
) -> Sequence[dict[str, Any]]:
    """Return the citations of one answer; raises ``RuntimeError`` when the turn failed."""
    async with services.store.unit(workspace_id) as unit:
        asked = Ask(question.text, base_ids=[base_id])
        begun = await begin(unit, services.settings, USER, asked)
    await turn.run(services, begun)
    async with services.store.unit(workspace_id) as unit:
        answer = await unit.messages.get(begun.message.id, USER)
    if answer is None or answer.status != "completed":
        raise RuntimeError(f"the turn about {question.id} failed: {answer and answer.error}")
    return answer.citations


def _measures(
    answers: Sequence[tuple[Question, Sequence[dict[str, Any]]]],
) -> dict[str, dict[str, int]]:
    answered = [(question, cited) for question, cited in answers if cited]
    named = [
        all(citation["documentName"] in question.gold for citation in cited)
        for question, cited in answered
    ]
    with_figures = [(q, cited) for q, cited in answered if _figures(q.answer)]
    figured = [
        bool(_figures(question.answer) & _figures(" ".join(c["quote"] for c in cited)))
        for question, cited in with_figures
    ]
    return {
        "answered": {"right": len(answered), "of": len(answers)},
        "citesGold": {"right": sum(named), "of": len(named)},
        "quotesFigure": {"right": sum(figured), "of": len(figured)},
    }


def _figures(text: str) -> set[str]:
    """Return the numbers of a text, years left out: those say when, not what."""
    numbers = (found.replace(",", "") for found in _FIGURE.findall(text))
    return {number for number in numbers if not _YEAR.fullmatch(number)}


async def _standing(
    services: Services, workspace_id: str, citations: Sequence[dict[str, Any]]
) -> dict[str, int]:
    """Count the quotes that stand word for word in the chunk they name."""
    async with services.store.unit(workspace_id) as unit:
        contents = await unit.chunks.contents(citation["chunkId"] for citation in citations)
    standing = [c["quote"] in contents.get(c["chunkId"], "") for c in citations]
    return {"right": sum(standing), "of": len(standing)}

"""Asks the copilot itself, and measures what it cites: right files, words that are there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from copilot import offline, turn
from copilot.begin import Ask, begin
from core.services import Services
from evals.asking import Row, each
from evals.cases import AnswerSet, Question
from evals.scratch import USER

# A figure of an answer: a number of two digits or more, without its grouping commas.
_FIGURE: Final = re.compile(r"\d[\d,]*\.?\d+")
# A name of an answer: words that begin with capitals, but not a sentence.
_NAME: Final = re.compile(r"(?<=[a-z,;:(] )[A-Z][A-Za-z&.-]+(?: [A-Z][A-Za-z&.-]+)*")
_COMMON: Final = frozenset({"The", "This", "These", "In", "It", "I", "Inc.", "Company", "Q"})
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


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
    answers = [(asked[row["id"]], row["citations"]) for row in rows if row["id"] in asked]
    cited = [citation for _, citations in answers for citation in citations]
    standing = await _standing(services, workspace_id, cited)
    return _measures(answers) | {"quotesStand": standing, "answers": rows}


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
        bool(_figures(question.answer) & _figures(_quotes(cited)))
        for question, cited in with_figures
    ]
    precise = [
        citation["documentName"] in question.gold and _bears(question.answer, citation["quote"])
        for question, cited in answered
        for citation in cited
    ]
    return {
        "answered": {"right": len(answered), "of": len(answers)},
        "citesGold": {"right": sum(named), "of": len(named)},
        "quotesFigure": {"right": sum(figured), "of": len(figured)},
        "precise": {"right": sum(precise), "of": len(precise)},
    }


def _bears(answer: str, quote: str) -> bool:
    """Whether a quote holds a figure or a name of the gold answer."""
    names = {name for name in _NAME.findall(answer) if name not in _COMMON}
    return bool(_figures(answer) & _figures(quote)) or any(name in quote for name in names)


def _quotes(cited: Sequence[dict[str, Any]]) -> str:
    return " ".join(citation["quote"] for citation in cited)


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

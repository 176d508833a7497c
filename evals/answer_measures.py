"""What answers are worth, measured by rule: by words and figures, not by another model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from copilot.offline import ABSTENTION, UNSURE
from core.text import analyze
from evals.cases import Question
from pipelines.marks import MARK

Citations = Sequence[Mapping[str, Any]]
Answered = tuple[Question, str, Citations]  # a question, what was answered, what that cites
Count = dict[str, int]  # ``right`` and ``of``

# A figure of an answer: a number of two digits or more, without its grouping commas.
_FIGURE: Final = re.compile(r"\d[\d,]*\.?\d+")
# A name of an answer: words that begin with capitals, but not a sentence.
_NAME: Final = re.compile(r"(?<=[a-z,;:(] )[A-Z][A-Za-z&.-]+(?: [A-Z][A-Za-z&.-]+)*")
# What says when, or which form it is, and not how much: years have no grouping comma.
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_NO_FIGURE: Final = re.compile(
    rf"\b{_MONTH}\s+\d{{1,2}}\b(?!,?\d{{3}})|\b\d{{1,2}}\.?\s+{_MONTH}(?=\W|$)|"
    r"\b(?:1[6-9]|20)\d\d(?:[-/]\d{2,4})*\b(?![,.]\d)|\bFY\s?\d{2,4}\b|"
    r"\b\d+-[A-Z]+\b|\b[A-Z]+-\d+\b|\b(?:Form|RFC|ISO|IFRS|IAS|ASU|ASC|No\.)\s?\d[\d.-]*",
)
_DECLINES: Final = re.compile(r"could ?n[o’']t find|cannot find|can[’']t find", re.IGNORECASE)
_OURS: Final = (ABSTENTION, UNSURE)  # said of an answer, not of documents
_ENOUGH: Final = 0.5  # of a gold answer's words


def measures(answers: Sequence[Answered]) -> dict[str, Count]:
    """Return counts over answers; those of a kind of question that was not asked are left out.

    Of questions with gold documents: ``answered`` with a citation; ``outright``, without saying
    that nothing was found; ``correct``, saying what the gold answer says; ``goldCited``, gold
    documents that are cited. Of answers that cite: ``citesGold`` only; ``quotesFigure`` of the gold
    answer; ``precise``, citations of a gold document with a figure or name of the gold answer.
    ``grounded`` are the lines that bear a mark. Of questions without gold documents: ``declined``.
    """
    open_, closed = [a for a in answers if a[0].gold], [a for a in answers if not a[0].gold]
    citing = [each for each in open_ if each[2]]
    with_figures = [each for each in citing if figures(each[0].answer)]
    citations = [(question, c) for question, _, cited in citing for c in cited]
    lines = [line for _, said, _ in answers for line in _lines(said)]
    gold = [name in _names(cited) for question, _, cited in open_ for name in question.gold]
    found = {
        "answered": [bool(cited) for _, _, cited in open_],
        "outright": [not declines(said) for _, said, _ in open_],
        "correct": [says(question, said) for question, said, _ in open_],
        "goldCited": gold,
        "citesGold": [_names(cited) <= question.gold for question, _, cited in citing],
        "quotesFigure": [
            bool(figures(question.answer) & figures(" ".join(c["quote"] for c in cited)))
            for question, _, cited in with_figures
        ],
        "precise": [
            c["documentName"] in question.gold and bears(question, c["quote"])
            for question, c in citations
        ],
        "grounded": [MARK.search(line) is not None for line in lines],
        "declined": [declines(said) for _, said, _ in closed],
    }
    return {name: {"right": sum(each), "of": len(each)} for name, each in found.items() if each}


def declines(said: str) -> bool:
    """Whether an answer says that the documents do not hold it; the prompt gives the words."""
    return _DECLINES.search(said) is not None


def says(question: Question, said: str) -> bool:
    """Whether an answer says what the gold answer says: one of its figures or, where it has none,
    half of the words that the question does not have."""
    if wanted := figures(question.answer):
        return bool(wanted & figures(said))
    words = set(analyze(question.answer, "auto")) - set(analyze(question.text, "auto"))
    return len(words & set(analyze(said, "auto"))) >= _ENOUGH * len(words)


def bears(question: Question, quote: str) -> bool:
    """Whether a quote holds a figure of the gold answer, or a name that its question has not."""
    wanted = figures(question.answer)
    names = {name for name in _NAME.findall(question.answer) if name not in question.text}
    return bool(wanted & figures(quote)) or any(name in quote for name in names)


def figures(text: str) -> set[str]:
    """Return the numbers of a text without those of dates and forms."""
    return {found.replace(",", "") for found in _FIGURE.findall(_NO_FIGURE.sub(" ", text))}


def _names(citations: Citations) -> set[str]:
    return {citation["documentName"] for citation in citations}


def _lines(said: str) -> list[str]:
    for words in _OURS:
        said = said.replace(words, "")
    return [line for line in said.splitlines() if line.strip()]

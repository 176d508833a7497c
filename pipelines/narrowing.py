"""What a model that reads slowly is given of the passages found: all of them where they are few,
else the statements nearest to the question, and where each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.sentences import sentences
from pipelines.passages import Passage, Passages
from pipelines.search.periods import asked_time
from pipelines.statements import Statement, nearness, statements

ANSWERING: Final = 0.3
"""From this nearness on a statement may answer a question (docs/decisions/0031)."""

CITED: Final = 0.45
"""From this nearness on, with what it gains by its time, a statement is cited."""

_SCORED: Final = 2  # times as many as are wanted
_IN_TIME: Final = 0.15  # what a statement of a document of the time asked for gains
_LONGEST_QUOTE: Final = 900  # characters: a short table or a paragraph whole


async def add(
    question: str, found: Sequence[Passage], passages: Passages, workspace_id: str = ""
) -> list[Passage]:
    """Number what was found for a question among a turn's passages: whole, or the statements of it
    that there is room for.

    Whole, since much that is asked of a text takes all of it: to count the rows of a table, to sum
    a letter up. As many as a search brings are the best of more, and most of them beside the point.
    How near a whole one is to the question is the nearness of its nearest statement.
    """
    room = passages.room
    is_all = len(found) < room.passages and sum(len(each.text) for each in found) <= room.text
    if room.statements and is_all:
        found = await _measured(question, found, workspace_id)
    elif room.statements:
        found = await narrowed(question, found, room.statements, workspace_id)
    return passages.add(found)


async def _measured(question: str, found: Sequence[Passage], workspace_id: str) -> list[Passage]:
    of = [(i, each) for i, passage in enumerate(found) for each in statements(passage.text)]
    scores = await nearness(question, [each.in_context for _, each in of], workspace_id)
    near = [0.0] * len(found)
    for (i, _), score in zip(of, scores, strict=True):
        near[i] = max(near[i], score)
    return [replace(passage, near=score) for passage, score in zip(found, near, strict=True)]


async def narrowed(
    question: str, found: Sequence[Passage], most: int, workspace_id: str = ""
) -> list[Passage]:
    """Return the statements of passages nearest to a question, nearest first, as passages of their
    own, each with what stands around it: for a model that cites what it chooses from."""
    of = [(passage, each) for passage in found for each in statements(passage.text)]
    in_time = asked_time(question).matches(
        {each.document_name: each.document_name for each in found}
    )
    texts = [each.in_context for _, each in of]
    scores = await nearness(question, texts, workspace_id, _SCORED * most)
    gains = [
        _IN_TIME if score and passage.document_name in in_time else 0.0
        for score, (passage, _) in zip(scores, of, strict=True)
    ]
    kept: dict[str, Passage] = {}
    for i in sorted(range(len(of)), key=lambda i: -(scores[i] + gains[i])):
        passage, each = of[i]
        if each.text not in kept and len(kept) < most:
            kept[each.text] = _narrowed(passage, each, scores[i], gains[i])
    return list(kept.values())


def _narrowed(passage: Passage, statement: Statement, near: float, gain: float) -> Passage:
    start, end = _around(passage.text, statement.start, statement.end)
    return replace(
        passage,
        text=passage.text[start:end],
        start_offset=None if passage.start_offset is None else passage.start_offset + start,
        shown=statement.in_context,
        near=near,
        gain=gain,
    )


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of a piece of a text with as many whole sentences around it, of those after
    and before it in turn, as make a quote that is not too long."""
    spans = sentences(text)
    after = [b for a, b in spans if a >= end]
    before = [a for a, b in reversed(spans) if b <= start]
    while after or before:
        if after and (wider := after.pop(0)) - start <= _LONGEST_QUOTE:
            end = wider
        else:
            after.clear()
        if before and end - (wider := before.pop(0)) <= _LONGEST_QUOTE:
            start = wider
        else:
            before.clear()
    return start, end

"""Files that a question brings along: cut into passages, so that their words can be cited too."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from core.blobs.text import read_text
from core.errors import Conflict, NotFound
from core.services import Services
from core.store.files import File
from core.store.unit import Unit
from core.text import analyze
from pipelines.passages import Passage, Passages

_LONGEST_READ: Final = 2_000_000  # code points of a file
_PIECE: Final = 1_200  # characters of a passage
_MOST_PIECES: Final = 8  # about 2,400 tokens, over all files
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_READ_AS_THEY_ARE: Final = ("text/", "application/json", "application/xml")


async def require_readable(unit: Unit, file_ids: Sequence[str]) -> None:
    """Raise ``NotFound`` for a file that is not there, ``Conflict`` for one not read yet."""
    for file_id in file_ids:
        file = await unit.files.get(file_id)
        if file is None:
            raise NotFound("There is no such file; list those you have uploaded.")
        if file.text_key is None and not file.mime_type.startswith(_READ_AS_THEY_ARE):
            raise Conflict(
                f"The text of {file.name} was not read yet; POST /api/files/{file.id}/process, "
                "wait for its end and ask again.",
                {"fileId": file.id},
            )


async def attach(
    services: Services,
    workspace_id: str,
    file_ids: Sequence[str],
    question: str,
    passages: Passages,
) -> list[Passage]:
    """Number the pieces of the files that the question is about, all where there are few.

    A passage's document is the file, its chunk ``file#offset``. Files that were deleted meanwhile
    are left out.
    """
    pieces: list[Passage] = []
    for file_id in file_ids:
        async with services.store.unit(workspace_id) as unit:
            file = await unit.files.get(file_id)
            spans = await unit.files.pages_of_text(file_id)
        if file is not None:
            text = await _text(services, file)
            pieces.extend(_cut(file, text, spans))
    return passages.add(_best(pieces, question))


async def _text(services: Services, file: File) -> str:
    if file.text_key is not None:
        end = min(file.text_length or 0, _LONGEST_READ)
        parts = [part async for part in read_text(services.blobs, file.text_key, 0, end)]
        return "".join(parts)
    size = min(file.size, _LONGEST_READ)
    raw = b"".join([part async for part in services.blobs.read(file.blob_key, 0, size)])
    return raw.decode("utf-8", "replace")


def _cut(file: File, text: str, spans: Sequence[Sequence[int]]) -> Iterator[Passage]:
    """Yield pieces that end with a paragraph where one ends in their second half, else by size."""
    start = 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        if end < len(text):
            ends = [m.start() for m in _PARAGRAPH.finditer(text, start + _PIECE // 2, end)]
            blank = text.rfind(" ", start + _PIECE // 2, end)
            end = ends[-1] if ends else blank if blank > 0 else end
        piece = text[start:end]
        if piece.strip():
            page = next((n for n, a, b in spans if a <= start < b), None)
            yield Passage(f"{file.id}#{start}", file.id, file.name, piece, start, page)
        start = end


def _best(pieces: list[Passage], question: str) -> list[Passage]:
    """Return the pieces that share the question's rarest words, in the order they stand."""
    if len(pieces) <= _MOST_PIECES:
        return pieces
    asked = set(analyze(question, "auto"))
    held = [asked.intersection(analyze(piece.text, "auto")) for piece in pieces]
    frequency = Counter(term for terms in held for term in terms)
    scores = [sum(math.log(1 + len(pieces) / frequency[term]) for term in terms) for terms in held]
    chosen = sorted(range(len(pieces)), key=lambda i: (-scores[i], i))[:_MOST_PIECES]
    return [pieces[i] for i in sorted(chosen)]

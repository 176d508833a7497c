"""An update by a CRDT client becomes an edit like any other, or is taken back.

A client cannot be told to forget what it wrote: its next updates build on it. So an update that
makes no sense is kept, and right after it what undoes it; the workflow does not notice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.errors import Conflict, NotFound, NuxaError, PayloadTooLarge, ValidationFailed
from core.services import Services
from core.store.unit import Unit
from core.store.workflows import Workflow
from pipelines.editing import news, shelf
from pipelines.editing.content import checked, content_of
from pipelines.editing.edit import Asked, Edited, Editor, advance
from pipelines.editing.patch import Content, by_id, difference
from pipelines.editing.updates import NOTHING

if TYPE_CHECKING:
    from pipelines.editing.document import SharedDocument, Touched

_LARGEST_DOCUMENT: Final = 8_000_000  # bytes
_SMALL_UPDATE: Final = 20_000  # bytes; half a megabyte would hold up the event loop for 0.1 s


@dataclass(frozen=True)
class Merged:
    """What came of an update: the edit, if it was one, or why it was taken back.

    ``is_new`` is false for what the document had already, or cannot use before it gets more.
    """

    version: int
    is_new: bool
    edited: Edited | None = None
    problem: NuxaError | None = None


async def merge(
    services: Services, unit: Unit, workflow_id: str, update: bytes, editor: Editor
) -> Merged:
    """Take an update into the document and, if what it says makes sense, into the workflow.

    Raises ``ValidationFailed`` or ``PayloadTooLarge`` for what is no update, or one too large;
    then nothing is changed.
    """
    row = await locked(unit, workflow_id)
    opened = await shelf.find_or_make(unit, row)
    state = opened.document.state()
    if len(state) + len(update) > _LARGEST_DOCUMENT:
        raise PayloadTooLarge("The workflow's document is full; delete what is not needed.")
    trial, piece, touched = await _tried(opened.document, update)
    if piece == NOTHING:
        return Merged(row.version, is_new=False)
    before = content_of(row)
    content, problem = await _wanted(before, trial, touched)
    opened.document.apply(piece)
    correction = opened.document.conform(touched, content)
    edited = None
    if patch := difference(before, content):
        asked = Asked({"type": "yjs:update"}, editor)
        inverse = difference(content, before)
        edited = await advance(unit, row, content, patch, inverse, asked)
    await opened.append(unit, row, piece, editor.socket_id)
    if correction != NOTHING:
        await opened.append(unit, row, correction, None)
    news.tell_after(services, unit, row)
    return Merged(row.version, True, edited, problem)


async def _tried(document: SharedDocument, update: bytes) -> tuple[SharedDocument, bytes, Touched]:
    if len(update) <= _SMALL_UPDATE:
        return document.tried(update)
    return await asyncio.to_thread(document.tried, update)


async def locked(unit: Unit, workflow_id: str) -> Workflow:
    """Return a workflow under its lock; raises ``NotFound``."""
    row = await unit.workflows.lock(workflow_id)
    if row is None:
        raise NotFound("There is no such workflow.")
    return row


async def _wanted(
    before: Content, trial: SharedDocument, touched: Touched
) -> tuple[Content, NuxaError | None]:
    """Return what the workflow is to hold, and what spoke against what the update says."""
    try:
        return await checked(_with_entries(before, trial, touched)), None
    except (ValidationFailed, Conflict, PayloadTooLarge) as error:
        return before, error


def _with_entries(before: Content, trial: SharedDocument, touched: Touched) -> Content:
    """Return a content with the entries that an update touched as the document has them."""
    parts: dict[str, dict[str, Any]] = {
        part: dict(by_id(before, part)) for part in {part for part, _ in touched}
    }
    for part, key in sorted(touched):
        value = trial.entry(part, key)
        if value is None:
            parts[part].pop(key, None)
        elif not isinstance(value, dict) or value.get("id", key) != key:
            raise ValidationFailed(f"{part}.{key} must be a map whose id is {key}.")
        else:
            parts[part][key] = {"id": key, **value}
    edges = {"edges": list(parts["edges"].values())} if "edges" in parts else {}
    return {**before, **parts, **edges}

"""The documents that this process has in memory, and their way to the database and back.

The database is what counts: a document is taken off the shelf under the workflow's lock, brought
up to date with what others appended, and put back after the commit. One whose commit failed, or
whose holder died, is simply loaded again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.loading import load
from core.store.unit import Unit
from core.store.workflow_documents import DocumentHead
from core.store.workflows import Workflow
from pipelines.editing.content import content_of
from pipelines.editing.patch import Content
from pipelines.editing.updates import NOTHING

if TYPE_CHECKING:
    from pipelines.editing.document import SharedDocument

_ON_SHELF: Final = 64
_COMPACT_EVERY: Final = 200  # updates; as many stay beside the state, for those who lag behind

_shelf: Final[OrderedDict[str, tuple[int, SharedDocument]]] = OrderedDict()


@dataclass
class OpenDocument:
    """A workflow's document under the workflow's lock, as it is now."""

    document: SharedDocument
    number: int  # of its last update
    compacted: int

    async def append(self, unit: Unit, row: Workflow, update: bytes, socket_id: str | None) -> None:
        """Keep an update after which the document agrees with the row's version."""
        if update == NOTHING:
            await unit.workflow_documents.agree(row.id, row.version)
            return
        self.number += 1
        await unit.workflow_documents.append(row.id, self.number, row.version, update, socket_id)
        if self.number - self.compacted >= 2 * _COMPACT_EVERY:
            self.compacted = self.number
            state = self.document.state()
            await unit.workflow_documents.compact(row.id, state, self.number, _COMPACT_EVERY)


async def find(unit: Unit, row: Workflow) -> OpenDocument | None:
    """Return a locked workflow's document; None where no CRDT client ever asked for it.

    It agrees with the row, whoever changed the row meanwhile.
    """
    head = await unit.workflow_documents.head(row.id)
    return None if head is None else await _opened(unit, row, head)


async def find_or_make(unit: Unit, row: Workflow) -> OpenDocument:
    """Return a locked workflow's document, made from the row if there is none."""
    found = await find(unit, row)
    if found is None:
        document = await _document(None)
        content = content_of(row)
        document.conform(document.everything(content), content)
        await unit.workflow_documents.create(row.id, document.state(), row.version)
        found = OpenDocument(document, 0, 0)
        _put_back_after(unit, row.id, found)
    return found


async def _opened(unit: Unit, row: Workflow, head: DocumentHead) -> OpenDocument:
    number, document = _shelf.pop(row.id, (-1, None))
    if document is None or number < head.state_number - _COMPACT_EVERY or number > head.number:
        state, number = await unit.workflow_documents.state(row.id)
        document = await _document(state)
    for update in await unit.workflow_documents.after(row.id, number):
        document.apply(update.content)
        number = update.number
    found = OpenDocument(document, number, head.state_number)
    _put_back_after(unit, row.id, found)
    if head.version != row.version:
        await _catch_up(unit, row, found, content_of(row))
    return found


async def _document(state: bytes | None) -> SharedDocument:
    # The library takes a sixth of a second to load, which only those pay who use it.
    await load("pipelines.editing.document")
    from pipelines.editing.document import SharedDocument

    return SharedDocument(state)


async def _catch_up(unit: Unit, row: Workflow, found: OpenDocument, content: Content) -> None:
    """Have the document agree with a row that was changed beside this path."""
    update = found.document.conform(found.document.everything(content), content)
    await found.append(unit, row, update, None)


def _put_back_after(unit: Unit, workflow_id: str, found: OpenDocument) -> None:
    async def put_back() -> None:
        _shelf[workflow_id] = (found.number, found.document)
        _shelf.move_to_end(workflow_id)
        while len(_shelf) > _ON_SHELF:
            _shelf.popitem(last=False)

    unit.after_commit(put_back)

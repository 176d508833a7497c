"""One edit of a workflow: checked, versioned, logged, written into row and document alike.

Whoever changes a workflow's name, description or parts comes through ``save``. It runs in the
caller's unit, under the workflow's lock: one transaction has the row, the line in the log and the
document's update, or none of them. Who is to hear of it hears after the commit (``news``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import Conflict, NotFound
from core.ids import new_id
from core.services import Services
from core.store.unit import Unit
from core.store.workflow_operations import LoggedOperation, Saved
from core.store.workflows import Workflow
from pipelines.editing import news, shelf
from pipelines.editing.content import content_of, examined
from pipelines.editing.patch import PARTS, Content, Step, difference
from pipelines.editing.recent import recent

Change = Callable[[Content], Content]


@dataclass(frozen=True)
class Editor:
    """Who edits; ``socket_id`` where it is a socket, which is not told of its own edits."""

    user_id: str | None
    socket_id: str | None = None


@dataclass(frozen=True)
class Asked:
    """What an editor asks for: ``operation`` is what the log and the others are told, ``{type,
    …}``; an ``operation_id`` that is known is not applied again."""

    operation: dict[str, Any]
    editor: Editor
    operation_id: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True)
class Edited:
    """What came of it; ``inverse`` is the patch that takes it back."""

    version: int
    operation_id: str
    operation: dict[str, Any]
    inverse: list[Step]
    is_repeat: bool = False

    def logged(self, editor: Editor) -> LoggedOperation:
        """Return it as a line of the log."""
        return LoggedOperation(
            self.version, self.operation_id, self.operation, self.inverse,
            editor.user_id, editor.socket_id,
        )  # fmt: skip


async def edit(
    services: Services, unit: Unit, workflow_id: str, asked: Asked, change: Change
) -> Edited:
    """Apply a change to the workflow as it is now.

    Raises ``NotFound``, ``Conflict`` where ``expected_version`` has passed, ``ValidationFailed``
    for what makes no sense; then nothing is changed.
    """
    last = recent.get(workflow_id)
    known = None if last is None else (last.version, last.definition)
    row = await unit.workflows.hold(workflow_id, known)
    if row is None:
        raise NotFound("There is no such workflow.")
    repeat = await _known(unit, workflow_id, asked)
    if repeat is not None:
        return repeat
    require_version(row, asked.expected_version)
    before = last.known if last is not None and last.version == row.version else None
    wanted = change(content_of(row) if before is None else before.content)
    after = await examined(wanted, before)
    edited = await save(services, unit, row, after.content, asked)

    async def keep() -> None:
        recent.keep(workflow_id, edited.version, after)

    unit.after_commit(keep)
    return edited


async def _known(unit: Unit, workflow_id: str, asked: Asked) -> Edited | None:
    if asked.operation_id is None:
        return None
    known = await unit.workflow_operations.known(workflow_id, asked.operation_id)
    if known is None:
        return None
    if (known.user_id, known.operation["type"]) != (asked.editor.user_id, asked.operation["type"]):
        raise Conflict(
            "Another edit has this operationId already; send yours under an id of its own."
        )
    return Edited(known.version, known.operation_id, known.operation, known.inverse, True)


def require_version(row: Workflow, expected: int | None) -> None:
    """Raise ``Conflict`` where a workflow is not at the version that its editor saw."""
    if expected is not None and row.version != expected:
        raise Conflict(
            f"The workflow is at version {row.version}, not {expected}; look at it again.",
            {"version": row.version},
        )


async def save(
    services: Services, unit: Unit, row: Workflow, content: Content, asked: Asked
) -> Edited:
    """Make a checked content the locked workflow's next version."""
    before = content_of(row)
    patch, inverse = difference(before, content), difference(content, before)
    # Asked for while the row still says what the document has to agree with.
    opened = await shelf.find(unit, row)
    edited = await advance(unit, row, content, patch, inverse, asked)
    if opened is not None:
        update = opened.document.write(patch, content)
        await opened.append(unit, row, update, None)
    news.tell_after(services, unit, row)
    return edited


async def advance(
    unit: Unit,
    row: Workflow,
    content: Content,
    patch: list[Step],
    inverse: list[Step],
    asked: Asked,
) -> Edited:
    """Make a content the row's next version, with the line of the log that led to it."""
    definition = {part: content[part] for part in PARTS}
    saved = Saved(content["name"], content["description"], definition, json.dumps(definition))
    edited = Edited(
        row.version + 1,
        asked.operation_id or new_id("op"),
        {**asked.operation, "patch": patch},
        inverse,
    )
    await unit.workflow_operations.advance(row, saved, edited.logged(asked.editor))
    return edited

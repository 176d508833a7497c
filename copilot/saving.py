"""How the copilot saves a workflow: a checkpoint first, then the definition as a new version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from copilot.desk import Desk
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.services import Services
from core.store.base import now
from core.store.checkpoints import Checkpoint
from core.store.unit import Unit
from core.store.workflows import Workflow
from pipelines.editing import edit as editing
from pipelines.editing.content import checked, content_of
from pipelines.editing.edit import Asked, Editor
from pipelines.workflow import parse

Definition = dict[str, Any]
Change = Callable[[Definition], Definition]


async def edit(
    desk: Desk, workflow_id: str, change: Change, expected_version: int | None
) -> tuple[Workflow, Checkpoint]:
    """Apply a change to a workflow as it is now, with a checkpoint of what it was before.

    Raises ``NotFound``, ``Conflict`` where ``expected_version`` has passed, and
    ``ValidationFailed`` naming the block; then nothing is changed.
    """
    async with desk.services.store.unit(desk.workspace_id) as unit:
        row = await unit.workflows.lock(workflow_id)
        if row is None:
            raise NotFound("There is no such workflow; find_workflows lists those there are.")
        if expected_version not in (None, row.version):
            raise Conflict(
                f"The workflow is at version {row.version}, not {expected_version}: somebody "
                "changed it. Read it again."
            )
        after = change(row.definition)
        snapshot = await unit.workflows.take_snapshot(row, "checkpoint", "Before the copilot")
        checkpoint = Checkpoint(
            id=new_id("cp"),
            user_id=desk.user_id,
            workflow_id=row.id,
            chat_id=desk.chat_id,
            message_id=desk.message_id,
            number=snapshot.number,
        )
        unit.checkpoints.add(checkpoint)
        await save(desk.services, unit, row, after, desk.user_id)
    return row, checkpoint


async def revert(services: Services, unit: Unit, checkpoint: Checkpoint, user_id: str) -> Workflow:
    """Make a workflow again what it was at a checkpoint; what it is now is kept as a version."""
    row = await unit.workflows.lock(checkpoint.workflow_id)
    snapshot = await unit.workflows.snapshot(checkpoint.workflow_id, checkpoint.number)
    if row is None or snapshot is None:
        raise NotFound("The workflow of this checkpoint is gone.")
    await unit.workflows.take_snapshot(row, "restore")
    await save(services, unit, row, snapshot.definition, user_id)
    checkpoint.reverted_at = now()
    await unit.flush()
    return row


async def save(
    services: Services, unit: Unit, row: Workflow, definition: Definition, user_id: str
) -> None:
    """Make a definition the locked workflow's next version, if it makes sense; whoever has it
    open sees it."""
    content = await checked(content_of(row) | parse(definition).wire())
    asked = Asked({"type": "copilot:edit"}, Editor(user_id))
    await editing.save(services, unit, row, content, asked)

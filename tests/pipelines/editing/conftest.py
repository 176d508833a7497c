"""A small workflow, and edits of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.services import Services
from core.store.workflows import Workflow
from pipelines.editing.content import content_of
from pipelines.editing.edit import Asked, Change, Edited, Editor, edit
from pipelines.editing.patch import Content
from pipelines.workflow import parse
from tests.conftest import Owner
from tests.pipelines.running import add_workflow


def block(block_id: str, kind: str, name: str, **values: Any) -> dict[str, Any]:
    settings = {key: {"id": key, "type": "short-input", "value": v} for key, v in values.items()}
    return {"id": block_id, "type": kind, "name": name, "subBlocks": settings}


RAW: dict[str, Any] = parse(
    {
        "blocks": {
            "s": block("s", "start", "Start"),
            "t": block("t", "template", "Greeting", template="Hello <start.input>"),
            "u": block("u", "template", "Later", template="Then: <greeting.text>"),
        },
        "edges": [
            {"id": "e1", "source": "s", "target": "t"},
            {"id": "e2", "source": "t", "target": "u"},
        ],
        "variables": {"v": {"id": "v", "name": "limit", "type": "number", "value": 3}},
    }
).wire()


@pytest.fixture
def content() -> Content:
    return {"name": "W", "description": None, **parse(RAW).wire()}


@pytest.fixture
async def workflow_id(services: Services, owner: Owner) -> str:
    return await add_workflow(services, owner, RAW)


Apply = Callable[..., Awaitable[Edited]]


@pytest.fixture
def apply(services: Services, owner: Owner, workflow_id: str) -> Apply:
    """Applies a change to the workflow in a unit of its own."""

    async def one(change: Change, **asked: Any) -> Edited:
        async with services.store.unit(owner.workspace_id) as unit:
            wanted = Asked({"type": "test"}, Editor(owner.user_id), **asked)
            return await edit(services, unit, workflow_id, wanted, change)

    return one


async def stored(services: Services, owner: Owner, workflow_id: str) -> tuple[Content, int]:
    """Return what the workflow holds, and its version."""
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.workflows.get(workflow_id)
    assert isinstance(row, Workflow)
    return content_of(row), row.version

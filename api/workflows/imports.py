"""Importing a workflow: our own file, Sim's or Dify's."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

from pydantic import Field, JsonValue, ValidationError

from api.access import WRITE
from api.call import Call, parts_of
from api.endpoint import endpoint
from api.errors import invalid
from api.multipart import FilePart
from api.wire import Name, Wire
from api.workflows.schemas import WorkflowAnswer, answer_of
from core.errors import PayloadTooLarge, ValidationFailed
from core.ids import new_id
from core.store.workflows import Workflow
from pipelines.imports import MOST_BYTES, Imported, read
from pipelines.validity import require_valid


class ImportBody(Wire):
    """``definition`` is what the file holds, as an object or as text; ``model``, if given, stands
    in for every model that it names."""

    definition: dict[str, JsonValue] | str
    name: Name | None = None
    model: str | None = Field(None, max_length=200)


class ImportAnswer(Wire):
    """``warnings`` names all that has no counterpart here and was left disabled, or is to do."""

    workflow: WorkflowAnswer
    warnings: list[str]


@endpoint(
    "POST",
    "/api/workflows/import",
    access=WRITE,
    status=201,
    multipart=True,
    form_fields=("name", "model"),
)
async def import_workflow(call: Call, body: ImportBody | None) -> ImportAnswer:
    """Create a workflow from a file: our export, Sim's (JSON), or Dify's DSL (YAML)."""
    given = body or await _form(call)
    content = given.definition
    text = content if isinstance(content, str) else json.dumps(content)
    found: Imported = await asyncio.to_thread(read, text, given.model)
    require_valid(found.definition, runnable=False)
    row = Workflow(
        id=new_id("wf"),
        name=given.name or found.name,
        description=found.description,
        definition=found.definition.wire(),
        created_by=call.user_id,
    )
    call.unit.workflows.add(row)
    call.audit("workflow.imported", row.id, name=row.name)
    await call.unit.flush()
    return ImportAnswer(workflow=answer_of(row), warnings=found.warnings)


async def _form(call: Call) -> ImportBody:
    fields: dict[str, str] = {}
    async with aclosing(parts_of(call)) as parts:
        async for part in parts:
            if isinstance(part, FilePart):
                name, value = part.name, await _text(part)
            else:
                name, value = part.name, part.value
            if name in fields or name not in ("file", "name", "model"):
                raise ValidationFailed(f"The form field {name} is unknown or given twice.")
            fields[name] = value
    if "file" not in fields:
        raise ValidationFailed("Send the workflow's file, in the form field file.")
    try:
        return ImportBody.model_validate({"definition": fields.pop("file"), **fields})
    except ValidationError as error:
        raise invalid(error) from error


async def _text(part: FilePart) -> str:
    content = bytearray()
    async for piece in part.pieces:
        content += piece
        if len(content) > MOST_BYTES:
            raise PayloadTooLarge(f"A workflow's file has at most {MOST_BYTES} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationFailed("The file is no text in UTF-8.") from error

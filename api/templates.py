"""Templates: workflows to begin with."""

from __future__ import annotations

from typing import Any, Literal

from api.access import SIGNED_IN
from api.endpoint import endpoint
from api.paging import Page, WholeQuery, part_of
from api.wire import Wire
from api.workflows.schemas import ExportedWorkflow
from pipelines.templates import all_templates


class TemplateAnswer(Wire):
    """``POST /api/workflows/import`` with ``workflow`` as its ``definition`` makes it one's own.

    ``sampleInput`` shows what it takes; an id of a knowledge base in it is to be one's own.
    """

    id: str
    name: str
    category: str
    description: str
    sample_input: dict[str, Any]
    workflow: ExportedWorkflow


@endpoint("GET", "/api/templates", access=SIGNED_IN)
async def list_templates(query: WholeQuery[Literal["name", "category"]]) -> Page[TemplateAnswer]:
    """List workflows to begin with; all of them run without the internet."""
    found, cursor = part_of(all_templates(), query)
    data = [TemplateAnswer.model_validate(template) for template in found]
    return Page(data=data, next_cursor=cursor)

"""Workflows and their runs on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

from api.call import Call
from api.paging import PageQuery
from api.wire import Flag, Name, Wire, left_away
from core.store.executions import Execution
from core.store.workflows import Workflow
from pipelines.editing.edit import Asked, Editor
from pipelines.live import duration_ms

PARTS = ("blocks", "edges", "loops", "parallels", "variables")
LONGEST_RUN_SECONDS = 604_800


class WorkflowParts(Wire):
    """The parts of a definition; what stands inside a block is kept as it came."""

    blocks: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    edges: list[dict[str, JsonValue]] = Field(default_factory=list)
    loops: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    parallels: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    variables: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)


class NewWorkflow(WorkflowParts):
    name: Name
    description: str | None = Field(None, max_length=5000)


class WorkflowPatch(WorkflowParts):
    """Absent fields stay; the maps are replaced whole."""

    name: Name = ""
    description: str | None = Field(None, max_length=5000)


class DuplicateBody(Wire):
    name: Name | None = None


class WorkflowQuery(PageQuery[Literal["createdAt", "updatedAt", "name"]]):
    search: str | None = Field(None, max_length=200)


class WorkflowSummary(Wire):
    id: str
    name: str
    description: str | None
    workspace_id: str
    version: int
    is_deployed: bool
    deployed_version: int | None
    created_at: datetime
    updated_at: datetime


class WorkflowAnswer(WorkflowSummary):
    blocks: dict[str, Any]
    edges: list[Any]
    loops: dict[str, Any]
    parallels: dict[str, Any]
    variables: dict[str, Any]


class ExportedWorkflow(Wire):
    """A workflow as a file; ``POST /api/workflows/import`` takes it."""

    format: Literal["nuxa"] = "nuxa"
    format_version: Literal[1] = 1
    name: str
    description: str | None
    blocks: dict[str, Any]
    edges: list[Any]
    loops: dict[str, Any]
    parallels: dict[str, Any]
    variables: dict[str, Any]


class Issue(Wire):
    path: str
    message: str
    code: str


class Validity(Wire):
    valid: bool
    issues: list[Issue]


def _or_bare_input(schema: dict[str, Any]) -> None:
    """Describe an ``ExecuteBody``: its fields, or an object with none of their names."""
    named = {key: schema.pop(key) for key in tuple(schema) if key not in ("title", "description")}
    bare = {
        "type": "object",
        "description": "The run's input itself.",
        "propertyNames": {"not": {"enum": [*named["properties"], "workspaceId"]}},
    }
    schema["anyOf"] = [named, bare]


class ExecuteBody(Wire):
    """How to run a workflow; a body with none of these names is the run's input itself."""

    model_config = ConfigDict(json_schema_extra=_or_bare_input)

    input: JsonValue = None
    stream: Flag = False
    is_async: Flag = Field(False, alias="async")
    selected_outputs: list[str] = Field(default_factory=list, max_length=100)
    timeout_seconds: float | None = Field(None, gt=0, le=LONGEST_RUN_SECONDS)
    use_draft: Flag | None = None
    start_block_id: str | None = None
    stop_after_block_id: str | None = None
    from_execution_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_input(cls, given: Any) -> Any:
        names = {info.alias or name for name, info in cls.model_fields.items()}
        is_bare = isinstance(given, dict) and not names & given.keys()
        return {"input": given} if is_bare else given

    @property
    def people_only(self) -> list[str]:
        """Names of the fields sent that keys and webhooks may not send."""
        fields = {
            "useDraft": self.use_draft,
            "startBlockId": self.start_block_id,
            "stopAfterBlockId": self.stop_after_block_id,
            "fromExecutionId": self.from_execution_id,
        }
        return [name for name, value in fields.items() if value]


class PauseContext(Wire):
    """What a run waits for; ``until`` is when it goes on by itself, or gives the question up."""

    context_id: str
    resume_url: str
    kind: Literal["human", "wait"]
    block_id: str
    message: str | None
    fields: list[dict[str, Any]]
    until: datetime | None


class Paused(Wire):
    """Where a run is paused: the first of ``contexts``, those that people answer before others."""

    context_id: str | None
    resume_url: str | None
    contexts: list[PauseContext]


class ExecutionAnswer(Wire):
    id: str
    workflow_id: str
    version: int | None
    status: str
    trigger: str
    input: JsonValue
    output: JsonValue
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    cost: float | None
    usage: dict[str, Any] | None
    pause: Paused | None = left_away()


ExecutionStatus = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]
Trigger = Literal[
    "manual", "api", "schedule", "webhook", "mail", "chat", "copilot", "workflow", "voice"
]


class RunTimes(Wire):
    """``duration`` in milliseconds."""

    duration: int | None
    start_time: datetime | None
    end_time: datetime | None


class RunAnswer(Wire):
    """How a run ended that was waited for; ``error`` is there if it failed."""

    success: bool
    execution_id: str
    status: str
    output: JsonValue
    error: dict[str, Any] | None = left_away()
    metadata: RunTimes


class Accepted(Wire):
    """A run that goes on by itself; ask ``statusUrl`` for its end."""

    success: Literal[True] = True
    is_async: Literal[True] = Field(True, alias="async")
    execution_id: str
    status_url: str


class PausedRun(Paused):
    """A run that was waited for and has paused; it holds nothing and goes on when answered."""

    success: Literal[True] = True
    execution_id: str
    status: Literal["paused"] = "paused"


class ResumeBody(Wire):
    """An answer to what a run asks, by the ``contextId`` of ``execution:paused``."""

    context_id: str
    input: JsonValue = None


class SentWebhook(Wire):
    """A webhook that a run has sent; an attempt has ``at``, ``status`` or ``error``."""

    id: str
    block_id: str
    iteration: str
    url: str
    status: Literal["pending", "delivered", "failed"]
    attempts: list[dict[str, Any]]
    created_at: datetime


class ExecutionQuery(
    PageQuery[Literal["createdAt", "startedAt", "endedAt", "status", "trigger", "cost"]]
):
    status: list[ExecutionStatus] = Field(default_factory=list)


def summary_of(row: Workflow) -> WorkflowSummary:
    return WorkflowSummary.model_validate(row)


def answer_of(row: Workflow) -> WorkflowAnswer:
    return WorkflowAnswer(**summary_of(row).model_dump(), **parts_of(row.definition))


def parts_of(definition: dict[str, Any]) -> dict[str, Any]:
    """Return every part of a stored definition, those that are empty too."""
    return {part: definition.get(part) or ([] if part == "edges" else {}) for part in PARTS}


def edit_of(call: Call) -> Asked:
    """Return what the log says of an edit by a route."""
    return Asked({"type": "workflow:update"}, Editor(call.user_id))


def accepted(row: Execution, *, is_v1: bool = False) -> Accepted:
    """Return the answer for a run in the background; a v1 key finds its status in v1."""
    in_workflow = f"/api/workflows/{row.workflow_id}/executions/{row.id}"
    status_url = f"/api/v1/executions/{row.id}" if is_v1 else in_workflow
    return Accepted(execution_id=row.id, status_url=status_url)


def record_of(row: Execution) -> ExecutionAnswer:
    return ExecutionAnswer.model_validate(
        {
            **{
                name: getattr(row, name)
                for name in ExecutionAnswer.model_fields
                if name not in ("duration_ms", "pause")
            },
            "duration_ms": duration_ms(row),
        }
    )

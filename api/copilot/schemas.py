"""What the copilot's routes take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from api.copilot.events import Citation, Failure, Notice, ToolUse, Usage
from api.paging import PageQuery
from api.wire import Name, Wire
from copilot.begin import Ask
from core.errors import ValidationFailed

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Context(Wire):
    """Something the question is about; an ``execution`` is a run, with its log."""

    kind: Literal["knowledge", "workflow", "execution", "file"]
    id: Id


class AskBody(Wire):
    """``agentId`` begins a chat with a deployment; ``fileIds`` are read and can be cited."""

    message: Text
    chat_id: Id | None = None
    mode: str | None = None
    agent_id: Id | None = None
    workflow_id: Id | None = None
    knowledge_base_ids: list[Id] = Field(default=[], max_length=50)
    contexts: list[Context] = Field(default=[], max_length=50)
    file_ids: list[Id] = Field(default=[], max_length=50)
    model: str | None = None
    user_message_id: Id | None = None

    def ask(self) -> Ask:
        """Return the question with its contexts sorted in."""
        workflows = {*self._about("workflow")} | ({self.workflow_id} if self.workflow_id else set())
        if len(workflows) > 1:
            said = "A chat is about one workflow; name one."
            raise ValidationFailed.at("contexts", "several workflows", sentence=said)
        return Ask(
            message=self.message,
            chat_id=self.chat_id,
            mode=self.mode,
            workflow_id=next(iter(workflows), None),
            base_ids=[*self.knowledge_base_ids, *self._about("knowledge")],
            model=self.model,
            user_message_id=self.user_message_id,
            agent_id=self.agent_id,
            file_ids=[*dict.fromkeys([*self.file_ids, *self._about("file")])],
            execution_ids=[*dict.fromkeys(self._about("execution"))],
        )

    def _about(self, kind: str) -> list[str]:
        return [context.id for context in self.contexts if context.kind == kind]


class ChatAnswer(Wire):
    """A finished answer; ``toolCalls`` with their results."""

    chat_id: str
    message_id: str
    content: str
    citations: list[Citation]
    tool_calls: list[ToolUse]
    artifacts: list[dict[str, Any]]
    usage: Usage | None
    model: str | None
    notice: Notice | None = None


class MessageAnswer(Wire):
    id: str
    chat_id: str
    role: str
    content: str
    status: str
    citations: list[Citation]
    tool_calls: list[ToolUse]
    artifacts: list[dict[str, Any]]
    usage: Usage | None
    cost: float | None
    model: str | None
    notice: Notice | None = None
    error: Failure | None
    user_message_id: str | None
    feedback: dict[str, Any] | None
    created_at: datetime


class ChatRow(Wire):
    id: str
    title: str
    mode: str
    workflow_id: str | None
    agent_id: str | None
    created_at: datetime
    updated_at: datetime


class ChatPatch(Wire):
    title: Name = ""


class HistoryQuery(PageQuery[Literal["createdAt"]]):
    chat_id: str | None = None


class ForgetQuery(Wire):
    chat_id: str | None = None


class ChatsQuery(PageQuery[Literal["updatedAt", "createdAt", "title"]]):
    search: str | None = None


class SteerBody(Wire):
    message: Text


class FeedbackBody(Wire):
    """``rating`` null takes an earlier one back."""

    message_id: Id
    rating: Literal["up", "down"] | None
    comment: Annotated[str, StringConstraints(max_length=5_000)] | None = None


class Feedback(Wire):
    message_id: str
    rating: Literal["up", "down"] | None
    comment: str | None


class AbortAnswer(Wire):
    message_id: str
    status: str


class ModelAnswer(Wire):
    """``provider`` is a hosted model's; a key of the workspace's own with it is used first."""

    id: str
    is_default: bool
    is_offline: bool
    provider: str | None


class CopilotTool(Wire):
    """``parameters`` is a JSON Schema; ``modes`` name those that have the tool, ``role`` the
    smallest role of who may use it."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    read_only: bool
    requires_approval: bool
    role: str
    modes: list[str]


class ToolRun(Wire):
    """With ``mode``, or ``chatId`` and its mode, only tools of that mode are let through."""

    name: str
    arguments: dict[str, JsonValue] = Field(default={})
    tool_call_id: str | None = None
    chat_id: str | None = None
    mode: str | None = None
    workflow_id: Id | None = None


class ToolRunAnswer(Wire):
    success: bool
    output: Any = None
    error: str | None = None
    artifacts: list[dict[str, Any]] = Field(default=[])
    duration_ms: int

"""What the copilot's routes take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from api.copilot.events import Citation, Failure, ToolUse, Usage
from api.paging import PageQuery
from api.wire import Name, Wire
from copilot.begin import Ask
from core.errors import ValidationFailed

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Context(Wire):
    """Something the question is about."""

    kind: Literal["knowledge", "workflow"]
    id: Id


class AskBody(Wire):
    message: Text
    chat_id: Id | None = None
    mode: str | None = None
    workflow_id: Id | None = None
    knowledge_base_ids: list[Id] = Field(default=[], max_length=50)
    contexts: list[Context] = Field(default=[], max_length=50)
    file_ids: list[Id] = Field(default=[], max_length=50)
    model: str | None = None
    user_message_id: Id | None = None

    def ask(self) -> Ask:
        """Return the question with its contexts sorted in; raises for what cannot be looked at."""
        if self.file_ids:
            raise ValidationFailed(
                "The copilot reads documents of knowledge bases: add the file to one, and name "
                "that in knowledgeBaseIds.",
                {"issues": [_issue("fileIds", "not read here")]},
            )
        workflows = {c.id for c in self.contexts if c.kind == "workflow"}
        workflows |= {self.workflow_id} if self.workflow_id else set()
        if len(workflows) > 1:
            raise ValidationFailed(
                "A chat is about one workflow; name one.",
                {"issues": [_issue("contexts", "several workflows")]},
            )
        bases = [c.id for c in self.contexts if c.kind == "knowledge"]
        return Ask(
            message=self.message,
            chat_id=self.chat_id,
            mode=self.mode,
            workflow_id=next(iter(workflows), None),
            base_ids=[*self.knowledge_base_ids, *bases],
            model=self.model,
            user_message_id=self.user_message_id,
        )


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
    error: Failure | None
    user_message_id: str | None
    created_at: datetime


class ChatRow(Wire):
    id: str
    title: str
    mode: str
    workflow_id: str | None
    created_at: datetime
    updated_at: datetime


class ChatPatch(Wire):
    title: Name = ""


class HistoryQuery(PageQuery):
    chat_id: str | None = None


class ForgetQuery(Wire):
    chat_id: str | None = None


class ChatsQuery(PageQuery):
    search: str | None = None


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


def _issue(path: str, message: str) -> dict[str, str]:
    return {"path": path, "message": message, "code": "invalid"}

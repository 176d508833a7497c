"""The events of a turn as a stream gives them; ``copilot.events`` and ``copilot.report`` write
them. They are described here for callers, and held to it by a test."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from api.wire import Wire, left_away


class Usage(Wire):
    """Tokens."""

    input: int
    output: int
    total: int


class Citation(Wire):
    """What a mark ``[n]`` stands for; offsets count code points of the document's text.

    A quote of a passage that somebody ``edited`` has none unless the document still says it.
    """

    n: int
    document_id: str
    document_name: str
    chunk_id: str
    page: int | None
    bbox: list[float] | None
    quote: str
    start_offset: int | None
    end_offset: int | None
    edited: bool | None = left_away()


class ToolUse(Wire):
    tool_call_id: str
    name: str
    arguments: JsonValue
    status: str
    output: JsonValue


class ToolStep(ToolUse):
    phase: Literal["call", "approval", "result"]


class Begun(Wire):
    mode: str | None = left_away()
    model: str | None = None


class Delta(Wire):
    delta: str


class Failure(Wire):
    code: str
    message: str


class Notice(Wire):
    """Who answered, where no language model did: ``OFFLINE_ANSWERER`` quotes documents,
    ``ANSWERED_BY_RULES`` tells what tools returned."""

    code: Literal["OFFLINE_ANSWERER", "ANSWERED_BY_RULES"]
    message: str


class Finished(Wire):
    status: Literal["completed", "failed", "aborted"]
    usage: Usage | None
    cost: float | None


class _Event(Wire):
    seq: int = Field(description="The event's number, as in the stream's id.")
    ts: datetime
    chat_id: str
    message_id: str


class StartEvent(_Event):
    type: Literal["start"]
    payload: Begun


class TextEvent(_Event):
    """The deltas joined are the stored content."""

    type: Literal["text"]
    payload: Delta


class ThinkingEvent(_Event):
    type: Literal["thinking"]
    payload: Delta


class ToolEvent(_Event):
    type: Literal["tool"]
    payload: ToolStep


class CitationEvent(_Event):
    """Comes before its mark."""

    type: Literal["citation"]
    payload: Citation


class ArtifactEvent(_Event):
    type: Literal["artifact"]
    payload: dict[str, Any]


class NoticeEvent(_Event):
    """Stands beside the answer and is no part of its text."""

    type: Literal["notice"]
    payload: Notice


class ErrorEvent(_Event):
    type: Literal["error"]
    payload: Failure


class DoneEvent(_Event):
    """The last event of a turn; after it comes ``[DONE]``."""

    type: Literal["done"]
    payload: Finished


CopilotEvent = Annotated[
    StartEvent
    | TextEvent
    | ThinkingEvent
    | ToolEvent
    | CitationEvent
    | ArtifactEvent
    | NoticeEvent
    | ErrorEvent
    | DoneEvent,
    Field(discriminator="type"),
]

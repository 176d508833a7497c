"""The events of a run as a stream gives them; ``pipelines.live`` and ``pipelines.trace`` write
them. They are described here for callers, and held to it by a test."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from api.wire import Wire, left_away


class Started(Wire):
    start_time: datetime


class Ended(Wire):
    """How the run ended; ``duration`` in milliseconds."""

    success: bool
    output: JsonValue
    duration: int
    start_time: datetime | None
    end_time: datetime | None
    error: dict[str, Any] | None = left_away()


class Pause(Wire):
    """Where to answer a paused run; ``contexts`` has all that it waits for."""

    context_id: str | None
    resume_url: str | None
    contexts: list[dict[str, Any]]


class BlockHead(Wire):
    block_id: str
    block_name: str
    block_type: str
    execution_order: int
    iteration: str | None = left_away()


class BlockBegan(BlockHead):
    input: JsonValue


class BlockDone(BlockHead):
    """A large input or output is ``{isTruncated, preview, url}``; GET the url for the whole."""

    input: JsonValue
    output: JsonValue
    duration_ms: int


class BlockFailure(BlockDone):
    error: str | None


class Chunk(Wire):
    block_id: str
    chunk: str


class Thinking(Wire):
    block_id: str
    thinking: str


class ToolUse(Wire):
    """An agent's call of a tool (``arguments`` as JSON), later its result."""

    block_id: str
    phase: Literal["call", "result"]
    id: str
    name: str
    arguments: str | None = left_away()
    status: str | None = left_away()
    output: JsonValue = left_away()


class ChunksDone(Wire):
    block_id: str


class _Event(Wire):
    event_id: int = Field(description="The event's number, as in the stream's id.")
    timestamp: datetime
    execution_id: str
    workflow_id: str


class RunStarted(_Event):
    type: Literal["execution:started"]
    data: Started


class RunPaused(_Event):
    """Nothing more can run until somebody answers or a time comes; after it comes ``[DONE]``, and
    when the run goes on the log does too."""

    type: Literal["execution:paused"]
    data: Pause


class RunEnded(_Event):
    """The last event of a run; after it comes ``[DONE]``."""

    type: Literal["execution:completed", "execution:error", "execution:cancelled"]
    data: Ended


class BlockStarted(_Event):
    type: Literal["block:started"]
    data: BlockBegan


class BlockCompleted(_Event):
    type: Literal["block:completed"]
    data: BlockDone


class BlockError(_Event):
    type: Literal["block:error"]
    data: BlockFailure


class BlockSkipped(_Event):
    type: Literal["block:skipped"]
    data: BlockHead


class StreamChunk(_Event):
    type: Literal["stream:chunk"]
    data: Chunk


class StreamThinking(_Event):
    type: Literal["stream:thinking"]
    data: Thinking


class StreamTool(_Event):
    type: Literal["stream:tool"]
    data: ToolUse


class StreamDone(_Event):
    type: Literal["stream:done"]
    data: ChunksDone


ExecutionEvent = Annotated[
    RunStarted
    | RunPaused
    | RunEnded
    | BlockStarted
    | BlockCompleted
    | BlockError
    | BlockSkipped
    | StreamChunk
    | StreamThinking
    | StreamTool
    | StreamDone,
    Field(discriminator="type"),
]

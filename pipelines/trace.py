"""What is remembered of each block: a durable row first, then a live event.

The row of a finished block is written before any of its successors starts; running the execution
again reads the rows back instead of running those blocks again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from pydantic import JsonValue

from pipelines.references import mask
from pipelines.workflow import Block

BlockStatus = Literal["success", "error", "skipped"]
Send = Callable[[str, dict[str, JsonValue]], Awaitable[None]]


@dataclass(frozen=True)
class BlockRecord:
    """How one block (in one iteration) ended. ``shown_*`` have the secrets masked."""

    block_id: str
    block_name: str
    block_type: str
    execution_order: int
    iteration: str | None
    attempt: int
    status: BlockStatus
    started_at: datetime
    ended_at: datetime
    shown_input: JsonValue
    output: JsonValue
    shown_output: JsonValue
    error_message: str | None = None
    error_code: str | None = None

    @property
    def duration_ms(self) -> int:
        return round((self.ended_at - self.started_at).total_seconds() * 1000)


class Journal(Protocol):
    """Where block records last."""

    async def finished(self) -> list[BlockRecord]:
        """Return what earlier attempts at this run have written, in execution order."""
        ...

    async def write(self, record: BlockRecord) -> None:
        """Write durably; raise ``LeaseLost`` when the run is no longer this process's."""
        ...


class LeaseLost(Exception):
    """The run was cancelled, ended or taken over: this process must stop and write no more."""


class MemoryJournal:
    """A journal that lasts as long as the object; what tests and dry runs use."""

    def __init__(self) -> None:
        self.records: list[BlockRecord] = []

    async def finished(self) -> list[BlockRecord]:
        return list(self.records)

    async def write(self, record: BlockRecord) -> None:
        self.records.append(record)


class Trace:
    """Writes and announces the blocks of one run, in the order they start."""

    def __init__(self, journal: Journal, send: Send, secrets: Mapping[str, str]) -> None:
        self._journal, self._send, self._secrets = journal, send, secrets
        self._order = 0

    async def replay(self) -> list[BlockRecord]:
        """Return the records of earlier attempts; new ones are numbered after them."""
        records = await self._journal.finished()
        self._order = max((record.execution_order for record in records), default=0)
        return records

    async def started(self, block: Block, iteration: str | None, shown: JsonValue) -> Span:
        """Announce that a block begins; its ``input`` is shown as it stands in the definition."""
        self._order += 1
        span = Span(self, block, iteration, self._order, datetime.now(UTC))
        await self._send("block:started", {**span.head(), "input": self.masked(shown)})
        return span

    async def skipped(self, block: Block, iteration: str | None) -> None:
        """Record that a block is not run."""
        self._order += 1
        span = Span(self, block, iteration, self._order, datetime.now(UTC))
        await self._write(span.record("skipped", attempt=0), "block:skipped", span.head())

    async def ended(self, span: Span, record: BlockRecord) -> None:
        """Write how a block ended, then announce it."""
        event: dict[str, JsonValue] = {
            **span.head(),
            "input": record.shown_input,
            "output": record.shown_output,
            "durationMs": record.duration_ms,
        }
        if record.status == "error":
            event["error"] = record.error_message
            await self._write(record, "block:error", event)
        else:
            await self._write(record, "block:completed", event)

    def masked(self, value: JsonValue) -> JsonValue:
        return mask(value, self._secrets)

    async def _write(self, record: BlockRecord, event: str, data: dict[str, JsonValue]) -> None:
        await self._journal.write(record)
        await self._send(event, data)


@dataclass(frozen=True)
class Span:
    """A block that has begun."""

    trace: Trace
    block: Block
    iteration: str | None
    order: int
    started_at: datetime

    def head(self) -> dict[str, JsonValue]:
        """Return the fields that every event about the block carries."""
        head: dict[str, JsonValue] = {
            "blockId": self.block.id,
            "blockName": self.block.name,
            "blockType": self.block.type,
            "executionOrder": self.order,
        }
        return head if self.iteration is None else {**head, "iteration": self.iteration}

    def record(
        self,
        status: BlockStatus,
        *,
        attempt: int,
        given: JsonValue = None,
        output: JsonValue = None,
        error: tuple[str, str] | None = None,
    ) -> BlockRecord:
        """Return the record of how the block ended; ``error`` is code and sentence."""
        code, message = error or (None, None)
        return BlockRecord(
            block_id=self.block.id,
            block_name=self.block.name,
            block_type=self.block.type,
            execution_order=self.order,
            iteration=self.iteration,
            attempt=attempt,
            status=status,
            started_at=self.started_at,
            ended_at=datetime.now(UTC),
            shown_input=self.trace.masked(given),
            output=output,
            shown_output=self.trace.masked(output),
            error_message=_text(self.trace.masked(message)),
            error_code=code,
        )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None

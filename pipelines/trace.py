"""What is remembered of each block: a durable row first, then a live event.

The row of a finished block is written before any of its successors starts; running the execution
again reads the rows back instead of running those blocks again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Literal, Protocol

from pydantic import JsonValue

from pipelines.event_values import shorten_block_event
from pipelines.masking import mask
from pipelines.run_limits import RunBudget

BlockStatus = Literal["success", "error", "skipped"]
Place = tuple[str, str | None]
"""A block's id and its iteration."""
MODEL_BLOCKS = frozenset({"agent", "router", "evaluator", "guardrails"})
FILE_BLOCKS = frozenset({"function"})
END_TYPES: Mapping[BlockStatus, str] = {
    "success": "block:completed",
    "error": "block:error",
    "skipped": "block:skipped",
}
Send = Callable[[str, dict[str, JsonValue]], Awaitable[None]]


class TracedBlock(Protocol):
    """What is told of a block."""

    block_id: str
    name: str
    type_name: ClassVar[str]


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
    def place(self) -> Place:
        return self.block_id, self.iteration

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


@dataclass(frozen=True)
class Told:
    """What the live events of a run tell of its blocks: which began (their number, and when), and
    which ended. With ``is_all`` nothing else of what is written is to be told."""

    begun: Mapping[Place, tuple[int, datetime]] = field(default_factory=dict)
    ended: frozenset[Place] = frozenset()
    is_all: bool = False


class Trace:
    """Writes and announces the blocks of one run, in the order they start.

    ``told`` is what earlier attempts at the run have announced. What was written but not announced
    is announced before the run goes on; a block that began before keeps its number.
    """

    def __init__(
        self,
        journal: Journal,
        send: Send,
        secrets: Mapping[str, str],
        told: Told = Told(),
        budget: RunBudget | None = None,
        execution_id: str = "",
    ) -> None:
        self._journal, self._send, self._secrets = journal, send, secrets
        self.budget = budget or RunBudget()
        self._execution_id = execution_id
        self._event_bytes = 0
        self._told = told
        self._order = 0
        self.earlier: Mapping[Place, BlockRecord] = {}
        self.usage: Counter[str] = Counter()
        self.costs: list[float] = []

    async def replay(self) -> None:
        """Take over what earlier attempts at this run have finished; number new blocks after it."""
        records = await self._journal.finished()
        self.earlier = {record.place: record for record in records}
        orders = [record.execution_order for record in records]
        self._order = max([*orders, *(order for order, _ in self._told.begun.values())], default=0)
        for record in records:
            self.budget.add_block()
            self.budget.keep(record.shown_input)
            self.budget.keep(record.output)
            self.budget.add_file_bytes(_stored_bytes(record))
            self._count(record)
            if not self._told.is_all and record.place not in self._told.ended:
                await self._announce(record)

    async def started(self, block: TracedBlock, iteration: str | None, given: JsonValue) -> Span:
        """Announce that a block begins; its ``input`` is shown as it stands in the definition."""
        if (block.block_id, iteration) in self._told.begun:
            order, moment = self._told.begun[block.block_id, iteration]
            return Span(self, block, iteration, order, moment)
        span = self._span(block, iteration)
        head = _head(span.record("success", attempt=1))
        await self._send("block:started", self._fit({**head, "input": self.masked(given)}))
        return span

    async def skipped(self, block: TracedBlock, iteration: str | None) -> None:
        """Record that a block is not run."""
        await self.ended(self._span(block, iteration).record("skipped", attempt=0))

    async def ended(self, record: BlockRecord) -> None:
        """Write how a block ended, then announce it."""
        await self._journal.write(record)
        self._count(record)
        await self._announce(record)

    def masked(self, value: JsonValue) -> JsonValue:
        return mask(value, self._secrets)

    def _count(self, record: BlockRecord) -> None:
        usage, cost = usage_of(record.block_type, record.output)
        self.usage.update(usage)
        self.costs += [] if cost is None else [cost]

    def _span(self, block: TracedBlock, iteration: str | None) -> Span:
        self.budget.add_block()
        self._order += 1
        return Span(self, block, iteration, self._order, datetime.now(UTC))

    async def _announce(self, record: BlockRecord) -> None:
        event = _head(record)
        if record.status != "skipped":
            event |= {
                "input": record.shown_input,
                "output": record.shown_output,
                "durationMs": record.duration_ms,
            }
        if record.status == "error":
            event["error"] = record.error_message
        await self._send(END_TYPES[record.status], self._fit(event))

    def _fit(self, event: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Return an event with large values as previews, and all of them once a log is long."""
        fitted, size = shorten_block_event(self._execution_id, event, self._event_bytes)
        self._event_bytes += size
        return fitted


def _stored_bytes(record: BlockRecord) -> int:
    """Return the bytes of the files that the block has stored."""
    if record.block_type not in FILE_BLOCKS or not isinstance(record.output, dict):
        return 0
    files = record.output.get("files")
    described = files if isinstance(files, list) else []
    sizes = [file.get("size") for file in described if isinstance(file, dict)]
    return sum(size for size in sizes if isinstance(size, int))


def usage_of(block_type: str, output: JsonValue) -> tuple[dict[str, int], float | None]:
    """Return the tokens and the cost that a block which asks models tells of."""
    if block_type not in MODEL_BLOCKS or not isinstance(output, dict):
        return {}, None
    tokens, cost = output.get("tokens"), output.get("cost")
    counts = tokens if isinstance(tokens, dict) else {}
    usage = {key: value for key, value in counts.items() if isinstance(value, int)}
    return usage, float(cost) if isinstance(cost, int | float) else None


def _head(record: BlockRecord) -> dict[str, JsonValue]:
    """Return the fields that every event about a block carries."""
    head: dict[str, JsonValue] = {
        "blockId": record.block_id,
        "blockName": record.block_name,
        "blockType": record.block_type,
        "executionOrder": record.execution_order,
    }
    return head if record.iteration is None else {**head, "iteration": record.iteration}


@dataclass(frozen=True)
class Span:
    """A block that has begun."""

    trace: Trace
    block: TracedBlock
    iteration: str | None
    order: int
    started_at: datetime

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
            block_id=self.block.block_id,
            block_name=self.block.name,
            block_type=self.block.type_name,
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

"""The trace of a run: its blocks as spans, those inside loops, parallels and other runs in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from core.store.block_logs import BlockLog
from core.store.executions import Execution
from pipelines.graph import containers_of, parents_of
from pipelines.live import duration_ms
from pipelines.workflow import Definition, parse


@dataclass(frozen=True)
class Span:
    """A run, a block, an iteration or a call of a tool; times are None while it goes on."""

    id: str
    name: str
    type: str
    status: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    duration_ms: int | None = None
    block_id: str | None = None
    iteration: str | None = None
    input: JsonValue = None
    output: JsonValue = None
    error: str | None = None
    tokens: Mapping[str, Any] | None = None
    cost: float | None = None
    children: list[Span] = field(default_factory=list)


Place = tuple[str, str]
"""A block's id and its iteration, '' outside any container."""


def trace_of(
    run: Execution, logs: Mapping[str, Sequence[BlockLog]], under: Iterable[Execution]
) -> Span:
    """Return the span of a run, with those of the runs that its blocks have run inside theirs.

    ``logs`` holds the block logs of all these runs by the run's id.
    """
    runs: dict[str, list[Execution]] = defaultdict(list)
    for child in under:
        runs[str(child.parent_id)].append(child)

    def span(row: Execution) -> Span:
        inner: dict[str, list[Span]] = defaultdict(list)
        for child in runs[row.id]:  # its place is block, iteration and attempt
            inner[str(child.parent_place).rpartition("/")[0]].append(span(child))
        tree = _Tree(parse(row.definition), logs.get(row.id, ()), inner)
        return Span(
            id=row.id,
            name="Run",
            type="workflow",
            status=row.status,
            start_time=row.started_at,
            end_time=row.ended_at,
            duration_ms=duration_ms(row),
            input=row.input,
            output=row.output,
            error=(row.error or {}).get("message"),
            tokens=row.usage,
            cost=row.cost,
            children=tree.level(None, ""),
        )

    return span(run)


class _Tree:
    """The block logs of one run, by where they stand."""

    def __init__(
        self, definition: Definition, rows: Sequence[BlockLog], runs: Mapping[str, list[Span]]
    ) -> None:
        self._definition, self._runs = definition, runs
        self._parents = parents_of(definition)
        self._rows: dict[tuple[str | None, str], list[BlockLog]] = defaultdict(list)
        self._seen: dict[str, set[str]] = defaultdict(set)  # iterations of each container
        for row in rows:
            self._rows[self._parents.get(row.block_id), row.iteration].append(row)
            parts = row.iteration.split(".")
            around = containers_of(self._parents, row.block_id)[::-1]
            for depth, container in enumerate(around, start=1):
                self._seen[container].add(".".join(parts[:depth]))

    def level(self, container: str | None, iteration: str) -> list[Span]:
        """Return the spans of the blocks in a container, in one of its iterations."""
        rows = self._rows[container, iteration]
        spans = [self._block(row) for row in rows]
        return spans + self._going_on(container, iteration, {row.block_id for row in rows})

    def _block(self, row: BlockLog) -> Span:
        runs = self._runs.get(f"{row.block_id}/{row.iteration}", [])
        return Span(
            id=row.id,
            name=row.block_name,
            type=row.block_type,
            status=row.status,
            start_time=row.started_at,
            end_time=row.ended_at,
            duration_ms=_milliseconds(row.started_at, row.ended_at),
            block_id=row.block_id,
            iteration=row.iteration or None,
            input=row.input,
            output=row.output,
            error=row.error_message,
            tokens=row.usage,
            cost=row.cost,
            children=[
                *self._iterations(row.block_id, row.iteration),
                *_tool_calls(row),
                *runs,
            ],
        )

    def _iterations(self, container: str, around: str) -> list[Span]:
        found = {i for i in self._seen[container] if i.rpartition(".")[0] == around}
        return [self._iteration(container, i) for i in sorted(found, key=_number)]

    def _iteration(self, container: str, iteration: str) -> Span:
        children = self.level(container, iteration)
        begun = min((s.start_time for s in children if s.start_time), default=None)
        ended = max((s.end_time for s in children if s.end_time), default=None)
        is_failed = any(child.status == "error" for child in children)
        return Span(
            id=f"{container}/{iteration}",
            name=f"Iteration {_number(iteration) + 1}",
            type="iteration",
            status="error" if is_failed else "success",
            start_time=begun,
            end_time=ended,
            duration_ms=_milliseconds(begun, ended) if begun and ended else None,
            block_id=container,
            iteration=iteration,
            children=children,
        )

    def _going_on(self, container: str | None, iteration: str, ended: set[str]) -> list[Span]:
        """Return spans for containers of which something has ended and they themselves not."""
        return [
            Span(
                id=block_id,
                name=self._definition.blocks[block_id].name,
                type=self._definition.blocks[block_id].type,
                status="running",
                block_id=block_id,
                iteration=iteration or None,
                children=children,
            )
            for block_id in (*self._definition.loops, *self._definition.parallels)
            if self._parents.get(block_id) == container
            and block_id not in ended
            and block_id in self._definition.blocks
            and (children := self._iterations(block_id, iteration))
        ]


def _tool_calls(row: BlockLog) -> list[Span]:
    output = row.output if isinstance(row.output, dict) else {}
    calls = output.get("toolCalls")
    return [
        Span(
            id=str(call.get("id")),
            name=str(call.get("name")),
            type="tool",
            status=str(call.get("status")),
            block_id=row.block_id,
            iteration=row.iteration or None,
            input=call.get("arguments"),
            output=call.get("output"),
        )
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, dict)
    ]


def _number(iteration: str) -> int:
    return int(iteration.rpartition(".")[2])


def _milliseconds(begun: datetime, ended: datetime) -> int:
    return round((ended - begun).total_seconds() * 1000)

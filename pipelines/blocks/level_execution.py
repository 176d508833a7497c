"""One execution of a level of a workflow, and what its components pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from haystack import Pipeline
from haystack.core.errors import PipelineRuntimeError
from pydantic import JsonValue

from pipelines.blocks.base import Context, Held
from pipelines.scope import RunScope
from pipelines.trace import BlockRecord, Trace

AFTER: Final = "after"
HANDLE: Final = "handle:"
TAKEN: Final = "taken"
SKIPPED: Final = "skipped"
HELD: Final = "held"
Path = Literal["taken", "skipped", "held"]


@dataclass(eq=False)
class LevelExecution:
    """The blocks of a level in one run, in one iteration of the containers around it.

    ``records`` holds how its blocks ended, those that were skipped left out; ``is_held`` says that
    it pauses at one of them, ``is_outside`` that Haystack runs it without the service.
    """

    context: Context
    scope: RunScope
    trace: Trace
    records: dict[str, BlockRecord] = field(default_factory=dict)
    is_held: bool = False
    is_outside: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """Travels along each edge: whether it is taken, in which execution of the level."""

    path: Path
    level: LevelExecution

    def __deepcopy__(self, memo: dict[int, Any]) -> Signal:
        return self


@dataclass(frozen=True, slots=True)
class Value:
    """An output on its way, which nobody changes: Haystack copies all else at each socket."""

    content: JsonValue

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return self


def wrap(value: JsonValue) -> JsonValue | Value:
    """Return a value as it travels through sockets."""
    return Value(value) if isinstance(value, dict | list) else value


def unwrap(value: Any) -> JsonValue:
    """Return the value that came through a socket."""
    content: JsonValue = value.content if isinstance(value, Value) else value
    return content


async def run_pipeline(
    pipeline: Pipeline, level: LevelExecution, inputs: Mapping[str, Mapping[str, JsonValue]]
) -> None:
    """Give each block of a level its turn; ``inputs`` are by component and socket.

    Raises what the first failing block raised, with the others cancelled, and ``Held`` where the
    level pauses once nothing more of it can run.
    """
    signal = Signal(TAKEN, level)
    data: dict[str, dict[str, Any]] = {
        name: {socket: wrap(value) for socket, value in values.items()}
        for name, values in inputs.items()
    }
    count = 0
    for name, block in pipeline.walk():
        count += 1
        if getattr(block, "is_entry", False):
            data.setdefault(name, {})[AFTER] = signal
    try:
        await pipeline.run_async(data, concurrency_limit=max(1, count))
    except PipelineRuntimeError as error:
        cause = error.__cause__
        if cause is None:
            raise
        raise cause from cause.__cause__
    if level.is_held:
        raise Held

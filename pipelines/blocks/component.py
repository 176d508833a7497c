"""A block as a Haystack component: its sockets, and its turn in a run.

Each edge of a workflow is a connection that carries a ``Signal``, each reference one that carries
the value. A component looks into the journal, works, writes and returns, so that nothing after it
starts before its row is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from haystack import component, default_to_dict
from haystack.core.component.types import Variadic
from pydantic import JsonValue

from core.errors import NuxaError, TimedOut, ValidationFailed
from core.json_values import JsonTooDeep
from pipelines.blocks.base import ERROR, SOURCE, BlockKind, Context, Held, Output, S
from pipelines.blocks.level_execution import (
    AFTER,
    HANDLE,
    HELD,
    SKIPPED,
    TAKEN,
    LevelExecution,
    Signal,
    unwrap,
    wrap,
)
from pipelines.blocks.outside import begin_outside
from pipelines.run_limits import RunLimitExceeded
from pipelines.trace import BlockRecord, LeaseLost, Span

LONGEST_WAIT_MS = 60_000
INPUT: Final = "input"
log = logging.getLogger(__name__)
_NOWHERE: frozenset[str] = frozenset()
_PLAIN_HANDLES = frozenset({SOURCE, "loop-end-source", "parallel-end-source"})
_TYPES: Final[Mapping[str, Any]] = {
    "string": str,
    "number": float,
    "boolean": bool,
    "array": list[Any],
    "object": dict[str, Any],
    "any": Any,
}


class BlockFailed(NuxaError):
    """A block failed and nothing in the workflow handles it."""

    def __init__(self, record: BlockRecord) -> None:
        super().__init__(f'Block "{record.block_name}": {record.error_message}')
        self.record = record
        self.error_code = record.error_code or self.code


class IterationFailed(NuxaError):
    """A block inside a container failed and nothing inside handled it."""

    def __init__(self, index: int, failed: BlockFailed) -> None:
        super().__init__(f"Iteration {index}: {failed.message}")
        self.error_code = failed.error_code


@dataclass(frozen=True)
class _Failure:
    code: str
    message: str
    may_retry: bool


class BlockComponent(BlockKind[S]):
    """The base of every block; each kind below it is a Haystack component.

    ``reads`` names the outputs its settings refer to (``agent.content``), ``handles`` the ways that
    edges leave by, ``extra_outputs`` what is read of it beside the outputs of its kind.
    """

    takes_input: ClassVar[bool] = False

    def __init__(
        self,
        block_id: str,
        name: str,
        values: dict[str, JsonValue],
        *,
        enabled: bool = True,
        max_tries: int = 1,
        wait_ms: int = 1000,
        timeout_ms: int | None = None,
        is_entry: bool = False,
        reads: Sequence[str] = (),
        handles: Sequence[str] = (),
        extra_outputs: Sequence[str] = (),
    ) -> None:
        self.block_id, self.name, self.values = block_id, name, values
        self.enabled, self.timeout_ms = enabled, timeout_ms
        self.max_tries, self.wait_ms = max_tries, wait_ms
        self.is_entry, self.reads, self.handles = is_entry, list(reads), list(handles)
        self.extra_outputs = list(extra_outputs)
        self._set_sockets()

    def _set_sockets(self) -> None:
        optional: dict[str, Any] = {"default": None} if self.is_entry else {}
        component.set_input_type(self, AFTER, Variadic[Signal], **optional)
        if self.takes_input:
            component.set_input_type(self, INPUT, Any, default=None)
        for read in self.reads:
            component.set_input_type(self, read, Any, default=None)
        outputs = {name: _TYPES.get(kind, Any) for name, kind in self.outputs.items()}
        outputs |= dict.fromkeys(self.extra_outputs, Any)
        signals = {f"{HANDLE}{handle}": Signal for handle in self.handles}
        component.set_output_types(self, **{**outputs, **signals})
        self._output_names = tuple(outputs)

    def to_dict(self) -> dict[str, Any]:
        """Return the component as Haystack stores it."""
        return default_to_dict(self, **self.init_values())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> BlockComponent[S]:
        """Read the component; nothing that stands in a setting is read as an object."""
        return cls(**data["init_parameters"])

    def init_values(self) -> dict[str, Any]:
        """Return the parameters it was made with, those at their defaults left out."""
        optional: dict[str, Any] = {
            "enabled": (self.enabled, True),
            "max_tries": (self.max_tries, 1),
            "wait_ms": (self.wait_ms, 1000),
            "timeout_ms": (self.timeout_ms, None),
            "is_entry": (self.is_entry, False),
            "reads": (self.reads, []),
            "handles": (self.handles, []),
            "extra_outputs": (self.extra_outputs, []),
        }
        chosen = {name: now for name, (now, usual) in optional.items() if now != usual}
        return {"block_id": self.block_id, "name": self.name, "values": self.values, **chosen}

    def run(self, **inputs: Any) -> dict[str, Any]:
        """Run the block in a pipeline without an event loop; the service runs ``run_async``."""
        return asyncio.run(self.run_async(**inputs))

    async def run_async(self, **inputs: Any) -> dict[str, Any]:
        """Take the block's turn: replayed, skipped, or run with its tries and its time limit.

        Raises ``BlockFailed`` where it fails and no edge leaves by ``error``.
        """
        signals = [signal for signal in inputs[AFTER] if signal is not None]
        level = signals[0].level if signals else self.begin_outside(inputs)
        paths = {signal.path for signal in signals} or {TAKEN}
        if HELD in paths:
            return self._leave_held(level)
        is_reached = TAKEN in paths
        record = level.trace.earlier.get((self.block_id, level.context.iteration))
        if record is not None:
            self.replayed(level)
        elif is_reached and self.enabled:
            try:
                record = await self._run(level, inputs)
            except Held:
                level.is_held = True
                return self._leave_held(level)
        else:
            await level.trace.skipped(self, level.context.iteration)
        if record is None or record.status == "skipped":
            passes = is_reached and not self.enabled
            return self._outputs(level, _PLAIN_HANDLES if passes else _NOWHERE, None)
        return self._leave(level, record)

    def begin_outside(self, inputs: Mapping[str, Any]) -> LevelExecution:
        """Begin a run of a pipeline that was loaded without the service."""
        return begin_outside(inputs.get(INPUT), {})

    def replayed(self, level: LevelExecution) -> None:
        """Do what a finished block that is not run again must still do."""

    def _leave(self, level: LevelExecution, record: BlockRecord) -> dict[str, Any]:
        """Choose the way out of a finished block."""
        level.records[self.block_id] = record
        if record.status != "error":
            if self.sets_variables:
                level.scope.set_variables(record.output)
            output = record.output if isinstance(record.output, dict) else {}
            return self._outputs(level, self.chosen(output), record.output)
        if ERROR in self.handles:
            return self._outputs(level, frozenset({ERROR}), record.output)
        raise BlockFailed(record)

    def _outputs(
        self, level: LevelExecution, taken: frozenset[str], output: JsonValue
    ) -> dict[str, Any]:
        known = output if isinstance(output, dict) else {}
        values: dict[str, Any] = {name: known.get(name) for name in self._output_names}
        if not level.is_outside:
            values = {name: wrap(value) for name, value in values.items()}
        ways = {
            f"{HANDLE}{handle}": Signal(TAKEN if handle in taken else SKIPPED, level)
            for handle in self.handles
        }
        return {**values, **ways}

    def _leave_held(self, level: LevelExecution) -> dict[str, Any]:
        return {f"{HANDLE}{handle}": Signal(HELD, level) for handle in self.handles}

    async def _run(self, level: LevelExecution, inputs: Mapping[str, Any]) -> BlockRecord:
        span = await level.trace.started(self, level.context.iteration, self.values)
        values = {read: unwrap(inputs.get(read)) for read in self.reads}
        scope = level.scope.with_values(values)
        attempt = 1
        while True:
            context = replace(level.context, block_id=self.block_id, attempt=attempt, scope=scope)
            given, result = await self._attempt(context, level)
            if not isinstance(result, _Failure):
                record = span.record("success", attempt=attempt, given=given, output=result)
                break
            if attempt >= self.max_tries or not result.may_retry:
                record = _error_record(span, attempt, given, result)
                break
            await _pause(min(self.wait_ms * 2 ** (attempt - 1), LONGEST_WAIT_MS) / 1000)
            attempt += 1
        await level.trace.ended(record)
        return record

    async def _attempt(
        self, context: Context, level: LevelExecution
    ) -> tuple[JsonValue, Output | _Failure]:
        """Return the resolved settings and the output, or why there is none."""
        given: JsonValue = None
        limit = self.timeout_ms / 1000 if self.timeout_ms else None
        budget = level.trace.budget
        try:
            resolved = self.resolve(self.values, context.scope)
            shown = {INPUT: context.input} if self.takes_input else resolved
            budget.keep(shown)
            if budget.is_locally_spent:
                raise Held
            given = shown
            async with asyncio.timeout(limit):
                output = await self.work(context, self.fit(resolved), level)
            budget.keep(output)
            return given, output
        except (LeaseLost, Held, RunLimitExceeded):
            raise
        except RecursionError:
            error = JsonTooDeep()
            return given, _Failure(error.code, error.message, may_retry=False)
        except IterationFailed as error:
            return given, _Failure(error.error_code, error.message, may_retry=False)
        except ValidationFailed as error:
            return given, _Failure(error.code, error.message, may_retry=False)
        except NuxaError as error:
            code = getattr(error, "error_code", error.code)  # of the run of another workflow
            return given, _Failure(code, error.message, may_retry=True)
        except TimeoutError:
            await self.abandon(context)
            sentence = f"It took longer than {self.timeout_ms} ms; raise timeoutMs or do less."
            return given, _Failure(TimedOut.code, sentence, may_retry=True)
        except Exception:
            log.exception("block %s of run %s", self.block_id, context.execution_id)
            sentence = "It failed unexpectedly; the service's log has the details."
            return given, _Failure(NuxaError.code, sentence, may_retry=True)

    async def work(self, context: Context, settings: S, level: LevelExecution) -> Output:  # noqa: ARG002
        """Do the block's work within the execution of its level."""
        return await self.execute(context, settings)


def _error_record(span: Span, attempt: int, given: JsonValue, failure: _Failure) -> BlockRecord:
    return span.record(
        "error",
        attempt=attempt,
        given=given,
        output={"error": failure.message},
        error=(failure.code, failure.message),
    )


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)

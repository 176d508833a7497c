"""One block's turn in a run: replayed, skipped, or run with its tries and its time limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import JsonValue

from core.errors import NuxaError, TimedOut, ValidationFailed
from core.json_values import JsonTooDeep
from pipelines.blocks import KINDS
from pipelines.blocks.base import ERROR, SOURCE, Context, Held, Inside, Output
from pipelines.graph import Graph, containers_of, parents_of
from pipelines.run_limits import RunLimitExceeded
from pipelines.scope import RunScope
from pipelines.trace import BlockRecord, LeaseLost, Span, Trace
from pipelines.workflow import Block, Retry

LONGEST_WAIT_MS = 60_000
log = logging.getLogger(__name__)
_LEAVE_NOWHERE: frozenset[str] = frozenset()
_LEAVE_PLAINLY = frozenset({SOURCE, "loop-end-source", "parallel-end-source"})
InsideOf = Callable[[str, RunScope, Context], Inside]


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


class Turns:
    """Takes the turns of the blocks of one level of one run, in one iteration.

    ``is_held`` says that the run pauses at one of them.
    """

    def __init__(
        self, graph: Graph, scope: RunScope, trace: Trace, context: Context, inside: InsideOf
    ) -> None:
        self._graph, self._scope, self._trace, self._context = graph, scope, trace, context
        self._inside = inside
        self.records: dict[str, BlockRecord] = {}
        self.is_held = False

    async def take(self, block_id: str, reached: bool) -> frozenset[str] | None:
        """Return the handles the block leaves by, or None where the run pauses at it.

        Raises ``BlockFailed`` to end the run.
        """
        block = self._graph.blocks[block_id]
        earlier = self._trace.earlier.get((block.id, self._context.iteration))
        if earlier is not None:
            self._set_variables_of(block)
            return self._leave(block, earlier, reached)
        if not reached or not block.enabled:
            await self._trace.skipped(block, self._context.iteration)
            return self._leave_skipped(block, reached)
        try:
            record = await self._run(block)
        except Held:
            self.is_held = True
            return None
        return self._leave(block, record, reached)

    def _leave(self, block: Block, record: BlockRecord, reached: bool) -> frozenset[str]:
        """Make a finished block's output visible and choose its way out."""
        if record.status == "skipped":
            return self._leave_skipped(block, reached)
        kind = KINDS[block.type]
        self.records[block.id] = record
        is_error = record.status == "error"
        self._scope.add(
            block.key,
            block.type,
            record.output,
            sets_variables=kind.sets_variables and not is_error,
        )
        if not is_error:
            return kind.chosen(record.output if isinstance(record.output, dict) else {})
        if any(edge.handle == ERROR for edge in self._graph.out[block.id]):
            return frozenset({ERROR})
        raise BlockFailed(record)

    def _set_variables_of(self, container: Block) -> None:
        """Set again what blocks inside a finished container have set, which are not replayed."""
        if not KINDS[container.type].is_container:
            return
        parents, around = parents_of(self._graph.definition), self._context.iteration
        for record in self._trace.earlier.values():
            is_of_it = around is None or str(record.iteration).startswith(f"{around}.")
            sets = KINDS[record.block_type].sets_variables and record.status == "success"
            if sets and is_of_it and container.id in containers_of(parents, record.block_id):
                self._scope.set_variables(record.output)

    def _leave_skipped(self, block: Block, reached: bool) -> frozenset[str]:
        """A disabled block lets the run through by its plain handle, as if it were not there."""
        self._scope.forget(block.key)
        return _LEAVE_PLAINLY if reached and not block.enabled else _LEAVE_NOWHERE

    async def _run(self, block: Block) -> BlockRecord:
        retry = block.retry or Retry(max_tries=1)
        span = await self._trace.started(block, self._context.iteration, self._values(block))
        attempt = 1
        while True:
            given, result = await self._attempt(block, attempt)
            is_last = attempt >= retry.max_tries
            if not isinstance(result, _Failure):
                record = span.record("success", attempt=attempt, given=given, output=result)
                break
            if is_last or not result.may_retry:
                record = _error_record(span, attempt, given, result)
                break
            await _pause(min(retry.wait_ms * 2 ** (attempt - 1), LONGEST_WAIT_MS) / 1000)
            attempt += 1
        await self._trace.ended(record)
        return record

    async def _attempt(self, block: Block, attempt: int) -> tuple[JsonValue, Output | _Failure]:
        """Return the resolved settings and the output, or why there is none."""
        kind = KINDS[block.type]
        given: JsonValue = None
        context = self._context_of(block, attempt)
        limit = block.timeout_ms / 1000 if block.timeout_ms else None
        try:
            resolved = kind.resolve(self._values(block), self._scope)
            shown = resolved if block.type != "start" else {"input": self._context.input}
            self._trace.budget.keep(shown)
            if self._trace.budget.is_locally_spent:
                raise Held
            given = shown
            async with asyncio.timeout(limit):
                output = await kind.run(context, kind.fit(resolved))
            self._trace.budget.keep(output)
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
            await kind.abandon(context)
            sentence = f"It took longer than {block.timeout_ms} ms; raise timeoutMs or do less."
            return given, _Failure(TimedOut.code, sentence, may_retry=True)
        except Exception:
            log.exception("block %s of run %s", block.id, self._context.execution_id)
            sentence = "It failed unexpectedly; the service's log has the details."
            return given, _Failure(NuxaError.code, sentence, may_retry=True)

    def _values(self, block: Block) -> dict[str, JsonValue]:
        return self._graph.definition.values(block)

    def _context_of(self, block: Block, attempt: int) -> Context:
        context = replace(self._context, block_id=block.id, attempt=attempt)
        if not KINDS[block.type].is_container:
            return context
        return replace(context, inside=self._inside(block.id, self._scope, context))


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

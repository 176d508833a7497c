"""A Haystack pipeline whose time to schedule grows with its size, not with the square of it.

Haystack looks at each socket of each component at every step. Where a graph has no cycle and each
component runs at most once, counting the senders that have ended says the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

from haystack import Pipeline
from haystack.core.component.types import InputSocket
from haystack.core.errors import PipelineRuntimeError
from haystack.tracing.tracer import Span, tracer
from typing_extensions import override


class FlowPipeline(Pipeline):
    """A pipeline without cycles, whose inputs are given by component and socket."""

    @override
    async def run_async(
        self,
        data: dict[str, Any],
        include_outputs_from: set[str] | None = None,
        concurrency_limit: int = 4,
    ) -> dict[str, Any]:
        """Run each component once all that send to it have ended, and return the outputs.

        Raises what ``Pipeline.run_async`` does, with the components that still run cancelled.
        """
        if concurrency_limit < 1:
            raise ValueError("concurrency_limit is less than 1; pass at least 1.")
        await self.warm_up_async()
        self.validate_input(data)
        tags = {
            "haystack.pipeline.input_data": data,
            "haystack.pipeline.metadata": self.metadata,
            "haystack.pipeline.execution_mode": "async",
        }
        with tracer.trace("haystack.pipeline.run", tags=tags) as span:
            execution = _Execution(self, data, include_outputs_from or set(), span)
            outputs = await execution.run(concurrency_limit)
            span.set_content_tag("haystack.pipeline.output_data", outputs)
        return outputs


class _Execution:
    """One run of a pipeline: what each component still waits for, and what it has received."""

    def __init__(
        self, pipeline: Pipeline, data: Mapping[str, Any], shown: set[str], span: Span
    ) -> None:
        self._graph, self._shown, self._span = pipeline.graph, shown, span
        self._waits = {name: self._graph.in_degree(name) for name in self._graph.nodes}
        self._received: dict[str, dict[str, list[Any]]] = {
            name: {socket: [value] for socket, value in data.get(name, {}).items()}
            for name in self._graph.nodes
        }
        self._outputs: dict[str, Any] = {}

    async def run(self, concurrency_limit: int) -> dict[str, Any]:
        self._slots = asyncio.Semaphore(concurrency_limit)
        ready = [name for name, count in self._waits.items() if not count]
        try:
            async with asyncio.TaskGroup() as self._group:
                for name in ready:
                    self._group.create_task(self._step(name))
        except BaseExceptionGroup as failures:
            first = failures.exceptions[0]
            raise first from first.__cause__
        if any(self._waits.values()):
            raise PipelineRuntimeError(None, None, "The pipeline has a cycle; use Pipeline.")
        return self._outputs

    async def _step(self, name: str) -> None:
        node = self._graph.nodes[name]
        inputs = _inputs(node["input_sockets"], self._received.pop(name))
        outputs: Mapping[str, Any] = {}
        if inputs is not None:
            async with self._slots:
                outputs = await self._run_component(name, node["instance"], inputs)
        consumed = set()
        for _, receiver, connection in self._graph.edges(name, data=True):
            sender, socket = connection["from_socket"].name, connection["to_socket"].name
            consumed.add(sender)
            if sender in outputs:
                self._received[receiver].setdefault(socket, []).append(outputs[sender])
            self._waits[receiver] -= 1
            if not self._waits[receiver]:
                self._group.create_task(self._step(receiver))
        rest = {key: value for key, value in outputs.items() if key not in consumed}
        if name in self._shown:
            self._outputs[name] = dict(outputs)
        elif rest:
            self._outputs[name] = rest

    async def _run_component(
        self, name: str, instance: Any, inputs: dict[str, Any]
    ) -> Mapping[str, Any]:
        with self._trace(name, instance) as span:
            span.set_content_tag("haystack.component.input", inputs)
            try:
                if hasattr(instance, "run_async"):
                    outputs = await instance.run_async(**deepcopy(inputs))
                else:
                    outputs = await asyncio.to_thread(instance.run, **deepcopy(inputs))
            except PipelineRuntimeError:
                raise
            except Exception as error:
                raise PipelineRuntimeError.from_exception(name, type(instance), error) from error
            if not isinstance(outputs, Mapping):
                raise PipelineRuntimeError.from_invalid_output(name, type(instance), outputs)
            span.set_content_tag("haystack.component.output", outputs)
            return outputs

    def _trace(self, name: str, instance: object) -> AbstractContextManager[Span]:
        tags = {
            "haystack.component.name": name,
            "haystack.component.type": type(instance).__name__,
        }
        return tracer.trace("haystack.component.run", tags=tags, parent_span=self._span)


def _inputs(
    sockets: Mapping[str, InputSocket], received: Mapping[str, list[Any]]
) -> dict[str, Any] | None:
    """Return a component's inputs; None where it does not run, since one that it needs is absent.

    What only other components send to does not run either where none of them sent anything.
    """
    inputs: dict[str, Any] = {}
    for name, socket in sockets.items():
        values = received.get(name)
        if values:
            inputs[name] = values if socket.is_variadic else values[0]
        elif socket.is_mandatory:
            return None
        else:
            inputs[name] = [socket.default_value] if socket.is_variadic else socket.default_value
    has_senders = any(socket.senders for socket in sockets.values())
    return inputs if received or not has_senders else None

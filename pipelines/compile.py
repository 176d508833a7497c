"""Turns a level of a workflow into a Haystack pipeline of its blocks.

An edge becomes a connection from a handle of its source to the socket ``after`` of its target; a
reference ``<agent.content>`` one from the output of that block. Variables, secrets and what a
container gives its inside have no single sender: they are the run's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

from haystack import Pipeline
from pydantic import JsonValue

from pipelines.blocks import KINDS
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.level_execution import AFTER, HANDLE
from pipelines.flow_pipeline import FlowPipeline
from pipelines.graph import START, Graph
from pipelines.references import Reference, find
from pipelines.scope import RESERVED, initial_variables, socket_of
from pipelines.workflow import Block

STOCK_BLOCKS: Final = 8  # of a level: Haystack's own scheduling takes the square of their number
_compiled: Final[WeakKeyDictionary[Graph, dict[frozenset[str], Pipeline]]] = WeakKeyDictionary()


def compile_level(graph: Graph, ids: Iterable[str]) -> Pipeline:
    """Return the pipeline of the blocks in ``ids``, the same as long as the graph lives.

    A block of which no predecessor is among ``ids`` begins the run.
    """
    wanted, known = frozenset(ids), _compiled.setdefault(graph, {})
    if wanted not in known:
        known[wanted] = build_pipeline(
            graph, wanted, FlowPipeline() if len(wanted) > STOCK_BLOCKS else Pipeline()
        )
    return known[wanted]


def build_pipeline(graph: Graph, ids: Iterable[str], pipeline: Pipeline) -> Pipeline:
    """Add the blocks in ``ids`` to an empty pipeline, sorted by name, and connect them."""
    level = _Level(graph, frozenset(ids))
    for name, block_id in sorted((name, block_id) for block_id, name in level.names.items()):
        pipeline.add_component(name, level.component(block_id))
    for sender, receiver in sorted(level.connections):
        pipeline.connect(sender, receiver)
    return pipeline


class _Level:
    def __init__(self, graph: Graph, ids: frozenset[str]) -> None:
        self._graph, self._ids = graph, ids
        self._edges = [edge for edge in graph.edges if edge.source in ids and edge.target in ids]
        self._entries = ids - {edge.target for edge in self._edges}
        self._blocks = {block_id: graph.blocks[block_id] for block_id in ids}
        self._insides = {
            block_id: compile_level(inside, inside.reached)
            for block_id, block in self._blocks.items()
            if KINDS[block.type].is_container
            for inside in [graph.inside(block_id)]
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of the components by the ids of their blocks."""
        names: dict[str, str] = {}
        for block_id in sorted(self._ids):
            name = plain = self._blocks[block_id].key.replace(".", "_")
            number = 2
            while name in names.values() or name == "_debug":
                name, number = f"{plain}_{number}", number + 1
            names[block_id] = name
        return names

    @cached_property
    def connections(self) -> set[tuple[str, str]]:
        """Senders and receivers: of signals along the edges, of values that are referred to."""
        edges = {
            (f"{self.names[e.source]}.{HANDLE}{e.handle}", f"{self.names[e.target]}.{AFTER}")
            for e in self._edges
        }
        return edges | {
            (f"{self.names[source]}.{read.partition('.')[2]}", f"{self.names[block_id]}.{read}")
            for block_id, read, source in self._fed
        }

    def component(self, block_id: str) -> BlockComponent[Any]:
        """Return the component of a block."""
        block, kind = self._blocks[block_id], KINDS[self._blocks[block_id].type]
        retry = block.retry
        more: dict[str, Any] = {}
        if block_id in self._insides:
            more["inside"] = self._insides[block_id]
        if block.type == START:
            more["variables"] = initial_variables(self._graph.definition)
        return kind(
            block_id,
            block.name,
            self._graph.definition.values(block),
            enabled=block.enabled,
            max_tries=retry.max_tries if retry else 1,
            wait_ms=retry.wait_ms if retry else 1000,
            timeout_ms=block.timeout_ms,
            is_entry=block_id in self._entries,
            reads=self._reads[block_id],
            handles=sorted({edge.handle for edge in self._graph.out[block_id]}),
            extra_outputs=sorted(self._read_outputs[block_id] - kind.outputs.keys()),
            **more,
        )

    @cached_property
    def _reads(self) -> dict[str, list[str]]:
        """What each block reads, with what blocks inside a container read from around it."""
        found: dict[str, list[str]] = {}
        for block_id, block in self._blocks.items():
            reads = set(_references(block, self._graph.definition.values(block)))
            if block_id in self._insides:
                inside = self._graph.inside(block_id).blocks.values()
                for _, component in self._insides[block_id].walk():
                    if isinstance(component, BlockComponent):
                        reads.update(component.reads)
                own = {each.key for each in inside}
                reads = {read for read in reads if read.partition(".")[0] not in own}
            found[block_id] = sorted(reads)
        return found

    @cached_property
    def _read_outputs(self) -> dict[str, set[str]]:
        """The outputs of each block that others read."""
        found: dict[str, set[str]] = defaultdict(set)
        for _, read, source in self._fed:
            found[source].add(read.partition(".")[2])
        return found

    @cached_property
    def _fed(self) -> list[tuple[str, str, str]]:
        """Block, read and source of each value that a block of this level gives a later one."""
        sources = {block.key: block_id for block_id, block in self._blocks.items()}
        sources.update((START, b.id) for b in self._blocks.values() if b.type == START)
        found = []
        for block_id, reads in self._reads.items():
            before = self._graph.ancestors(block_id) if reads else set()
            for read in reads:
                source = sources.get(read.partition(".")[0])
                if source in before:
                    found.append((block_id, read, str(source)))
        return found


def _references(block: Block, values: dict[str, JsonValue]) -> Iterable[str]:
    if not block.enabled:
        return
    for value in KINDS[block.type].read(values).values():
        for token in find(value):
            if isinstance(token, Reference) and token.name not in RESERVED:
                yield socket_of(token)

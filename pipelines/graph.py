"""The shape of one level of a workflow: what leads where, what the start reaches, what comes first.

A level is the blocks of one container: the blocks outside any loop or parallel are the first one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from pipelines.workflow import Block, Definition, Edge

START = "start"
INTO_CONTAINERS = ("loop-start-source", "parallel-start-source")


class Graph:
    """Edges by source and by target; edges whose ends are missing are left out.

    ``parent`` is the container whose inside this is, None for the outermost level. In a loop an
    edge back to where it begins says what the loop does anyway, so it is left out too.
    """

    def __init__(self, definition: Definition, parent: str | None = None) -> None:
        self.definition, self.parent = definition, parent
        self._inside: dict[str, Graph] = {}
        parents = parents_of(definition)
        self.blocks: Mapping[str, Block] = {
            block.id: block
            for block in definition.blocks.values()
            if parents.get(block.id) == parent
        }
        edges = [e for e in definition.edges if e.source in self.blocks and e.target in self.blocks]
        self.entries = self._entries(edges)
        is_loop = parent in definition.loops
        self.edges: list[Edge] = [e for e in edges if not (is_loop and e.target in self.entries)]
        self.out: dict[str, list[Edge]] = defaultdict(list)
        self.into: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            self.out[edge.source].append(edge)
            self.into[edge.target].append(edge)

    def _entries(self, edges: list[Edge]) -> set[str]:
        """Ids of the blocks that begin the level.

        Inside a container those that its start handle leads to; where none was joined to it, those
        that no other leads to, or the first where each has one that leads to it.
        """
        if self.parent is None:
            return {block.id for block in self.starts}
        begun = {
            edge.target
            for edge in self.definition.edges
            if edge.source == self.parent and edge.handle in INTO_CONTAINERS
        } & self.blocks.keys()
        led_to = {edge.target for edge in edges}
        return begun or self.blocks.keys() - led_to or set(list(self.blocks)[:1])

    @cached_property
    def starts(self) -> list[Block]:
        return [block for block in self.blocks.values() if block.type == START]

    @cached_property
    def reached(self) -> set[str]:
        """Ids of the blocks a run visits: those the level begins with, and all they lead to."""
        return walk(self.entries, self._successors)

    def part(self, start: str | None, stop: str | None) -> set[str]:
        """Return ids of what a run visits that begins at ``start`` and ends after ``stop``."""
        ids = self.descendants(start) if start else set(self.reached)
        return ids & (self.ancestors(stop) | {stop}) if stop else ids

    def inside(self, container_id: str) -> Graph:
        """Return the level inside a container, the same each time."""
        if container_id not in self._inside:
            self._inside[container_id] = Graph(self.definition, container_id)
        return self._inside[container_id]

    def descendants(self, block_id: str) -> set[str]:
        """Ids of the block and of all that it leads to."""
        return walk([block_id], self._successors)

    def ancestors(self, block_id: str) -> set[str]:
        """Ids of the blocks that lead to this one, without it."""
        return walk([block_id], self._predecessors) - {block_id}

    def order(self, ids: Iterable[str]) -> list[str]:
        """Return ``ids`` so that each follows all of its predecessors."""
        wanted = set(ids)
        sorter = TopologicalSorter(
            {i: sorted(self._predecessors(i) & wanted) for i in sorted(wanted)}
        )
        return list(sorter.static_order())

    def _successors(self, block_id: str) -> set[str]:
        return {edge.target for edge in self.out[block_id]}

    def _predecessors(self, block_id: str) -> set[str]:
        return {edge.source for edge in self.into[block_id]}


def parents_of(definition: Definition) -> dict[str, str]:
    """Return of each block that stands in a loop or parallel the id of that container."""
    nodes = {i: loop.nodes for i, loop in definition.loops.items()}
    nodes |= {i: parallel.nodes for i, parallel in definition.parallels.items()}
    parents = {node: container_id for container_id, held in nodes.items() for node in held}
    own = {b.id: b.parent_id for b in definition.blocks.values() if b.parent_id is not None}
    return {**parents, **own}


def containers_of(parents: Mapping[str, str], block_id: str) -> list[str]:
    """Return the ids of the containers around a block, innermost first."""
    around: list[str] = []
    parent = parents.get(block_id)
    while parent is not None and parent not in around:
        around.append(parent)
        parent = parents.get(parent)
    return around


def find_cycle(levels: Iterable[Graph]) -> list[str]:
    """Return the ids of blocks on a cycle of any level; empty for none."""
    for graph in levels:
        before = {block_id: {e.source for e in graph.into[block_id]} for block_id in graph.blocks}
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            return list(dict.fromkeys(cycle))
    return []


def walk(seeds: Iterable[str], neighbours: Callable[[str], set[str]]) -> set[str]:
    """Return everything reachable from ``seeds``, themselves included."""
    seen = set(seeds)
    queue = list(seen)
    while queue:
        for node in neighbours(queue.pop()) - seen:
            seen.add(node)
            queue.append(node)
    return seen

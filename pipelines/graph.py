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


class Graph:
    """Edges by source and by target; edges whose ends are missing are left out."""

    def __init__(self, definition: Definition, parent: str | None = None) -> None:
        self.definition = definition
        self.blocks: Mapping[str, Block] = {
            block.id: block
            for block in definition.blocks.values()
            if container_of(definition, block) == parent
        }
        self.edges: list[Edge] = [
            edge
            for edge in definition.edges
            if edge.source in self.blocks and edge.target in self.blocks
        ]
        self.out: dict[str, list[Edge]] = defaultdict(list)
        self.into: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            self.out[edge.source].append(edge)
            self.into[edge.target].append(edge)

    @cached_property
    def starts(self) -> list[Block]:
        return [block for block in self.blocks.values() if block.type == START]

    @cached_property
    def reached(self) -> set[str]:
        """Ids of the blocks a run visits: those the start leads to, itself among them."""
        return walk((block.id for block in self.starts), self._successors)

    def part(self, start: str | None, stop: str | None) -> set[str]:
        """Return ids of what a run visits that begins at ``start`` and ends after ``stop``."""
        ids = self.descendants(start) if start else set(self.reached)
        return ids & (self.ancestors(stop) | {stop}) if stop else ids

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


def container_of(definition: Definition, block: Block) -> str | None:
    """Return the id of the loop or parallel a block stands in."""
    if block.parent_id is not None:
        return block.parent_id
    for holders in (definition.loops, definition.parallels):
        for container_id, container in holders.items():
            if block.id in container.nodes:
                return container_id
    return None


def containers_of(definition: Definition, block: Block) -> list[str]:
    """Return the ids of the containers around a block, innermost first."""
    around: list[str] = []
    parent = container_of(definition, block)
    while parent is not None and parent not in around:
        around.append(parent)
        outer = definition.blocks.get(parent)
        parent = container_of(definition, outer) if outer else None
    return around


def find_cycle(definition: Definition) -> list[str]:
    """Return the ids of blocks on a cycle that no loop container holds; empty for none."""
    outermost = {
        block.id: next(
            (c for c in reversed(containers_of(definition, block)) if c in definition.loops),
            block.id,
        )
        for block in definition.blocks.values()
    }
    before: dict[str, set[str]] = {node: set() for node in outermost.values()}
    for edge in definition.edges:
        source, target = outermost.get(edge.source), outermost.get(edge.target)
        if source is None or target is None:
            continue
        is_inside_loop = source == target and source in definition.loops
        if not is_inside_loop:
            before[target].add(source)
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

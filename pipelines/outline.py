"""A definition as a whole: its levels, what a run of it visits, what comes before what."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.graph import START, Graph, containers_of, parents_of
from pipelines.workflow import Block, Definition


class Outline:
    """``levels`` are keyed by the container they are inside of, the outermost by None."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.parents = parents_of(definition)
        containers = (None, *definition.loops, *definition.parallels)
        self.levels = {parent: Graph(definition, parent) for parent in containers}
        self.names = {block.key: block for block in definition.blocks.values()}

    def around(self, block_id: str) -> list[str]:
        """Return the ids of the containers around a block, innermost first."""
        return containers_of(self.parents, block_id)

    def runnable(self) -> list[Block]:
        """Return the enabled blocks that the start reaches, those inside containers too."""
        return list(self._runnable_in(None))

    def _runnable_in(self, parent: str | None) -> Iterator[Block]:
        level = self.levels[parent]
        for block in level.blocks.values():
            if not block.enabled or block.id not in level.reached:
                continue
            yield block
            if block.id in self.levels:
                yield from self._runnable_in(block.id)

    def before(self, block: Block) -> set[str]:
        """Return ids of the blocks whose output this one can see.

        Those that have finished when it, or a container around it, starts; in a loop also those
        beside it, itself too: they may have run in the iteration before.
        """
        around = self.around(block.id)
        seen: set[str] = set()
        for node in (block.id, *around):
            level = self.levels.get(self.parents.get(node))
            seen |= level.ancestors(node) if level else set()
        loops = self.definition.loops
        beside = [loop_id for loop_id in around if loop_id in loops]
        if block.id in loops and loops[block.id].loop_type == "while":
            beside.append(block.id)
        return seen.union(*(self.levels[loop_id].blocks for loop_id in beside))

    def named(self, name: str) -> Block | None:
        """Return the block a reference names; ``start`` is the start block whatever its name."""
        if name != START:
            return self.names.get(name)
        starts = (block for block in self.definition.blocks.values() if block.type == START)
        return next(starts, None)

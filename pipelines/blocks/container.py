"""What loops and parallels share: the pipeline inside them, run once an iteration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from haystack import Pipeline
from pydantic import JsonValue
from typing_extensions import override

from pipelines.blocks.base import Context, Output, S
from pipelines.blocks.component import BlockComponent, BlockFailed, IterationFailed
from pipelines.blocks.level_execution import LevelExecution, run_pipeline
from pipelines.graph import walk
from pipelines.outcome import final_output
from pipelines.scope import by_socket
from pipelines.workflow import normalised

_NOTHING: Final[Mapping[str, JsonValue]] = {}


class ContainerComponent(BlockComponent[S]):
    """A block that runs a pipeline of blocks; it reads what they read from around it."""

    is_container = True
    is_heavy = True

    def __init__(self, *args: Any, inside: Pipeline | None = None, **more: Any) -> None:
        self.inside = Pipeline() if inside is None else inside
        super().__init__(*args, **more)

    @override
    def init_values(self) -> dict[str, Any]:
        return {**super().init_values(), "inside": self.inside.to_dict()}

    @classmethod
    @override
    def from_dict(cls, data: dict[str, Any]) -> BlockComponent[S]:
        values = dict(data["init_parameters"])
        return cls(**{**values, "inside": Pipeline.from_dict(values["inside"])})

    @override
    async def work(self, context: Context, settings: S, level: LevelExecution) -> Output:
        return await self.iterate(Body(self, context, level), settings)

    async def iterate(self, body: Body, settings: S) -> Output:
        """Run the iterations and return what they came to."""
        raise NotImplementedError

    @override
    def replayed(self, level: LevelExecution) -> None:
        """Set again the variables that blocks inside have set, which are not replayed."""
        around, blocks = level.context.iteration, self.blocks_inside
        for record in level.trace.earlier.values():
            block = blocks.get(record.block_id)
            sets = block is not None and block.sets_variables and record.status == "success"
            if sets and (around is None or str(record.iteration).startswith(f"{around}.")):
                level.scope.set_variables(record.output)

    @cached_property
    def blocks(self) -> dict[str, BlockComponent[Any]]:
        """The blocks directly inside, by component."""
        return {
            name: block for name, block in self.inside.walk() if isinstance(block, BlockComponent)
        }

    @cached_property
    def blocks_inside(self) -> dict[str, BlockComponent[Any]]:
        """All blocks inside by id, those of containers inside it too."""
        found: dict[str, BlockComponent[Any]] = {}
        for block in self.blocks.values():
            found[block.block_id] = block
            if isinstance(block, ContainerComponent):
                found |= block.blocks_inside
        return found

    @cached_property
    def open_sockets(self) -> dict[str, list[str]]:
        """The sockets inside that no block beside feeds, by component."""
        inputs = self.inside.inputs()
        return {
            name: [read for read in block.reads if read in inputs[name]]
            for name, block in self.blocks.items()
            if name in inputs
        }

    @cached_property
    def descendants(self) -> dict[str, set[str]]:
        """Of each block directly inside the ids of itself and of all that it leads to."""
        graph, blocks = self.inside.graph, self.blocks
        return {
            block.block_id: {
                blocks[reached].block_id
                for reached in walk([name], lambda each: set(graph.successors(each)))
            }
            for name, block in blocks.items()
        }


@dataclass(frozen=True)
class Body:
    """The inside of a container in one run of it."""

    container: ContainerComponent[Any]
    context: Context
    level: LevelExecution

    async def run(
        self,
        index: int,
        binding: Mapping[str, JsonValue],
        before: Mapping[str, JsonValue] = _NOTHING,
    ) -> tuple[JsonValue, Mapping[str, JsonValue]]:
        """Run an iteration; it is named by its index after those of the containers around.

        ``before`` holds what the blocks inside left in the iteration before, by output
        (``agent.content``); returned are the iteration's output and what it leaves itself.
        """
        container, outer = self.container, self.context.iteration
        iteration = str(index) if outer is None else f"{outer}.{index}"
        scope = self.level.scope.bind(container.type_name, binding)
        context = replace(self.context, iteration=iteration)
        outside = self.level.is_outside
        level = LevelExecution(context, scope, self.level.trace, is_outside=outside)
        values = {**self.values, **before}
        inputs = {
            name: {read: values.get(read) for read in reads}
            for name, reads in container.open_sockets.items()
        }
        try:
            await run_pipeline(container.inside, level, inputs)
        except BlockFailed as failed:
            raise IterationFailed(index, failed) from failed
        return final_output(container.descendants.__getitem__, level.records), self._left_by(level)

    def _left_by(self, level: LevelExecution) -> dict[str, JsonValue]:
        blocks = self.container.blocks_inside
        return by_socket(
            {normalised(blocks[i].name): record.output for i, record in level.records.items()}
        )

    @property
    def values(self) -> Mapping[str, JsonValue]:
        """What came in by the container's own sockets."""
        return {read: self.context.scope.values.get(read) for read in self.container.reads}

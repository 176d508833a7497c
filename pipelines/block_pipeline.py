"""A Haystack pipeline of blocks, and its component: one block's place in it.

Every input socket of such a component is mandatory, has one sender, and gets a token in each run;
the graph has no cycle. So which component is ready takes a count of its tokens, where Haystack's
own rules look at each socket of each component several times; and a token is a constant that
needs no copy. Both are hooks of Haystack's class (3.4), held to what it would do itself by
``tests/pipelines/test_block_pipeline.py``. It imports Haystack: import it late.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, Literal

from haystack import Pipeline, component
from haystack.core.pipeline.base import ComponentPriority
from haystack.core.pipeline.utils import FIFOPriorityQueue

Turn = Callable[[str, bool], Awaitable[frozenset[str] | None]]
"""Takes a block's turn: given its id and whether it is reached, returns the handles taken, or None
where the run pauses at it."""
Token = Literal["taken", "skipped", "held"]

TAKEN: Final = "taken"
SKIPPED: Final = "skipped"
HELD: Final = "held"
turn: Final[ContextVar[Turn]] = ContextVar("turn")  # of the run that is under way


@component
class BlockComponent:
    """One block's place in the pipeline."""

    def __init__(self, block_id: str, into: list[str], out: dict[str, str]) -> None:
        self._block_id, self._out = block_id, out
        component.set_input_types(self, **dict.fromkeys(into, str))
        component.set_output_types(self, **dict.fromkeys(out, str))

    def run(self, **tokens: Token) -> dict[str, Token]:  # noqa: ARG002 - the sockets
        raise RuntimeError("Blocks run asynchronously; use run_async.")

    async def run_async(self, **tokens: Token) -> dict[str, Token]:
        came = set(tokens.values())
        taken = None if HELD in came else await turn.get()(self._block_id, TAKEN in came)
        if taken is None:
            return dict.fromkeys(self._out, HELD)
        return {s: TAKEN if handle in taken else SKIPPED for s, handle in self._out.items()}


class BlockPipeline(Pipeline):
    """A pipeline of block components, without cycles."""

    def _fill_queue(
        self,
        component_names: list[str],
        inputs: dict[str, Any],
        component_visits: dict[str, int],
    ) -> FIFOPriorityQueue:
        """Return the components that are ready; Haystack's own holds the blocked ones too."""
        queue, nodes = FIFOPriorityQueue(), self.graph.nodes
        for name in component_names:
            came = inputs.get(name)
            if (
                came
                and not component_visits[name]
                and len(came) == len(nodes[name]["input_sockets"])
            ):
                queue.push(name, ComponentPriority.READY)
        return queue

    @staticmethod
    async def _run_component_async(
        component_name: str,
        component: dict[str, Any],
        component_inputs: dict[str, Token],
        component_visits: dict[str, int],
        *_: object,
        **__: object,
    ) -> Mapping[str, Token]:
        """Run a component; what it raises leaves the pipeline as it is."""
        outputs: Mapping[str, Token] = await component["instance"].run_async(**component_inputs)
        component_visits[component_name] += 1
        return outputs

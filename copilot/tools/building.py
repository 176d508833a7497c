"""Building a workflow in a line, for models that cannot be asked for the operations of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue, field_validator

from copilot.desk import Desk
from copilot.saving import edit
from copilot.tools.base import CopilotTool
from copilot.tools.editing import told_of
from copilot.tools.operations import AddBlock, Connect, Definition, Operation, applied
from copilot.tools.steps import Step
from core.errors import ValidationFailed
from core.rights import Role
from pipelines.tools.base import Params
from pipelines.workflow import normalised

# Where a block has what the next is to work on; those not named pass on what they were given.
_OUTPUTS: Final = {
    "start": "input",
    "agent": "content",
    "knowledge": "results",
    "api": "data",
    "function": "result",
    "template": "text",
    "response": "data",
}
_START: Final = AddBlock(op="add_block", id="start", type="start", name="Start", settings={})
_TELLING: Final = frozenset({"slack", "mail", "response"})


class Steps(Params):
    steps: Annotated[
        list[Step],
        Field(
            min_length=1,
            max_length=12,
            description="agent: a model answers or writes, from documents where it is to search a "
            "base; slack: posts; mail: sends; fetch: calls a URL that was given; response: answers "
            "the caller.",
        ),
    ]

    @field_validator("steps")
    @classmethod
    def _is_heard(cls, steps: list[Step]) -> list[Step]:
        """Refuse steps that post, mail or respond before the last model has written: a small model
        puts first what a sentence names last, and those words would go nowhere."""
        kinds = [step.do for step in steps]
        written = max((at for at, kind in enumerate(kinds) if kind == "agent"), default=-1)
        told = max((at for at, kind in enumerate(kinds) if kind in _TELLING), default=written)
        if told < written:
            raise ValueError(
                f"step {told + 1} ({kinds[told]}) comes before the agent of step {written + 1}, "
                f"whose words would go nowhere: put the {kinds[told]} step after it"
            )
        return steps


async def build_workflow(desk: Desk, params: Steps) -> JsonValue:
    """Add steps at the end of the user's workflow, in their order; each works on what the one
    before gave. What starts it, a webhook or a schedule, is no step."""
    if desk.workflow_id is None:
        raise ValidationFailed("This builds the workflow that a chat is about; here there is none.")
    operations: list[Operation] = []

    def build(definition: Definition) -> Definition:
        operations[:] = operations_for(definition, params.steps, desk.base_ids)
        return applied(definition, operations)

    row, checkpoint = await edit(desk, desk.workflow_id, build, None)
    added: list[JsonValue] = [
        {"name": each.name, "type": each.type} for each in operations if isinstance(each, AddBlock)
    ]
    return {**told_of(row, checkpoint), "added": added}


def operations_for(
    definition: Definition, steps: Sequence[Step], base_ids: Sequence[str]
) -> list[Operation]:
    """Return the operations that put steps behind the end of a workflow; an empty one gets what
    starts it."""
    found: list[Operation] = []
    if not definition.get("blocks"):
        found.append(_START)
        definition = applied(definition, found)
    way = _way(definition)
    end = str(way[-1]["id"])
    given = [each for each in way if each["type"] in _OUTPUTS][-1]
    before = f"<{normalised(given['name'])}.{_OUTPUTS[given['type']]}>"
    names = {normalised(str(each["name"])) for each in definition["blocks"].values()}
    ids = set(definition["blocks"])
    for step in steps:
        made = step.made(before, base_ids)
        name = _unused(made.name, names)
        names.add(normalised(name))
        block_id = _unused(normalised(name), ids)
        ids.add(block_id)
        found += [
            AddBlock(
                op="add_block", id=block_id, type=made.type, name=name, settings=made.settings
            ),
            Connect(op="connect", source=end, target=block_id),
        ]
        end = block_id
        if made.type in _OUTPUTS:
            before = f"<{normalised(name)}.{_OUTPUTS[made.type]}>"
    return found


def _way(definition: Definition) -> list[dict[str, Any]]:
    """Return the blocks from the start to one that nothing follows, by the first way at a fork."""
    blocks = definition["blocks"]
    at = next((each for each in blocks.values() if each["type"] == "start"), None)
    follows = {edge["source"]: edge["target"] for edge in reversed(definition["edges"])}
    way: list[dict[str, Any]] = []
    while at is not None and at not in way:
        way.append(at)
        at = blocks.get(follows.get(at["id"]))
    if not way:
        raise ValidationFailed("The workflow has no start block.")
    return way


def _unused(wanted: str, taken: set[str]) -> str:
    number, name = 2, wanted
    while normalised(name) in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


# Without it a small model begins with what a sentence names last, and leaves out the model.
_EXAMPLES: Final[Sequence[tuple[str, JsonValue]]] = (
    (
        "A customer asks something; look it up and answer.",
        {
            "steps": [
                {"do": "agent", "instructions": "Answer, with citations.", "fromDocuments": True},
                {"do": "response"},
            ]
        },
    ),
)

BUILD_WORKFLOW: Final = CopilotTool(
    "build_workflow",
    build_workflow,
    "workflows",
    Role.WRITE,
    read_only=False,
    requires_approval=True,
    quoting=False,
    examples=_EXAMPLES,
)
TOOLS: Final = (BUILD_WORKFLOW,)


def is_built_by_steps(desk: Desk) -> bool:
    """Whether the desk's model builds workflows by this tool: one on this machine, which writes no
    operations, and which searches the documents that a workflow is to search."""
    is_small = desk.passages.room.statements > 0
    return is_small and desk.mode is not None and desk.mode.has(BUILD_WORKFLOW.name)

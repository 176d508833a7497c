"""What makes the references in the settings of blocks valid."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import issue
from pipelines.blocks import KINDS
from pipelines.blocks.base import ERROR
from pipelines.issues import Issue, named
from pipelines.outline import Outline
from pipelines.references import Reference, find
from pipelines.workflow import Block, Definition, filled


def unresolvable(outline: Outline) -> Iterator[Issue]:
    """Yield an issue for each reference that can never have a value."""
    definition = outline.definition
    variables = {variable.name for variable in definition.variables.values()}
    sets_variables = any(
        KINDS[block.type].sets_variables
        for block in definition.blocks.values()
        if block.type in KINDS
    )
    for block, path, reference in _all(definition):
        problem = _unresolvable(outline, block, reference)
        if (
            reference.name == "variable"
            and not sets_variables
            and reference.path[0] not in variables
        ):
            problem = f"there is no variable {reference.path[0]!r}"
        if problem:
            yield issue(
                path,
                f"{named(block)} refers to {reference}, but {problem}; correct the reference.",
                "unresolvable_reference",
            )


def _unresolvable(outline: Outline, block: Block, reference: Reference) -> str | None:
    """Return why a reference can never have a value, or None."""
    if reference.name in ("loop", "parallel"):
        definition = outline.definition
        holders = definition.loops if reference.name == "loop" else definition.parallels
        inside = {block.id, *outline.around(block.id)} & set(holders)
        return None if inside else f"the block stands in no {reference.name}"
    if reference.name == "variable":
        return None
    target = outline.named(reference.name)
    if target is None:
        return f"there is no block named {reference.name!r}"
    kind = KINDS.get(target.type)
    if kind is None or kind.open_outputs or reference.path[0] in {*kind.outputs, ERROR}:
        return None
    return f"{named(target)} gives only {', '.join(kind.outputs)}"


def not_upstream(outline: Outline) -> Iterator[Issue]:
    """Yield an issue for each reference to a block that does not come before."""
    runnable = {block.id for block in outline.runnable()}
    for block, path, reference in _all(outline.definition):
        target = outline.named(reference.name)
        if target is None or block.id not in runnable or target.id in outline.before(block):
            continue
        is_inside = set(outline.around(target.id)) - {block.id, *outline.around(block.id)}
        sentence = "does not come before it; join them or correct the reference"
        if is_inside:
            sentence = "stands inside a loop or parallel; refer to that container's results"
        yield issue(
            path,
            f"{named(block)} refers to {reference}, but {named(target)} {sentence}.",
            "reference_not_upstream",
        )


def path_of(definition: Definition, block: Block, key: str) -> str:
    """Return where a setting of a block stands in the definition."""
    if definition.container(block.id) is not None and key not in block.sub_blocks:
        return f"{block.type}s.{block.id}.{key}"
    return f"blocks.{block.id}.subBlocks.{key}"


def _all(definition: Definition) -> Iterator[tuple[Block, str, Reference]]:
    for block in definition.blocks.values():
        values = {key: sub_block.value for key, sub_block in block.sub_blocks.items()}
        container = definition.container(block.id)
        for key, value in ({**filled(container), **values} if container else values).items():
            for token in find(value):
                if isinstance(token, Reference):
                    yield block, path_of(definition, block, key), token

"""What makes the references in the settings of blocks valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from core.errors import issue
from pipelines.blocks import KINDS
from pipelines.blocks.base import ERROR
from pipelines.issues import Issue, named
from pipelines.outline import Outline
from pipelines.references import TOKEN, Reference, find, near_misses
from pipelines.workflow import Block, Definition, filled, normalised

_PATH: Final = re.compile(r"(\.[\w-]+|\[\d+\])+")


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


def misspelled(outline: Outline) -> Iterator[Issue]:
    """Yield an issue for each text that names a block as no reference may: it would stay a text."""
    for block, path, value in _settings(outline.definition):
        for near in near_misses(value):
            target = _meant(outline, normalised(near))
            if target is not None:
                yield issue(path, _correction(block, near, target), "unresolvable_reference")


def _meant(outline: Outline, plain: str) -> Block | None:
    """Return the block whose name a text begins with that goes on as a reference would."""
    found = [
        block
        for block in outline.definition.blocks.values()
        if plain.startswith(block.key) and _PATH.fullmatch(plain[len(block.key) :])
    ]
    return max(found, key=lambda block: len(block.key), default=None)


def _correction(block: Block, near: str, target: Block) -> str:
    said = f"{named(block)} refers to <{near}>, which is read as a text"
    if TOKEN.fullmatch(f"<{target.key}.x>"):
        return f"{said}; write <{target.key}. and then the output, without blanks."
    return (
        f"{said}: no reference can spell the name of {named(target)}; rename that to letters, "
        "digits, blanks and the signs _ - ( ) alone."
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
    for block, path, value in _settings(definition):
        for token in find(value):
            if isinstance(token, Reference):
                yield block, path, token


def _settings(definition: Definition) -> Iterator[tuple[Block, str, JsonValue]]:
    for block in definition.blocks.values():
        values = {key: sub_block.value for key, sub_block in block.sub_blocks.items()}
        container = definition.container(block.id)
        for key, value in ({**filled(container), **values} if container else values).items():
            yield block, path_of(definition, block, key), value

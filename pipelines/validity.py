"""What makes a definition valid, in two degrees.

A draft may be saved while somebody is still filling it in, but what it says must make sense: known
types, joined ends, names that exist, no cycle. To be run it must also be complete: one start,
every needed setting, and references only to blocks that come before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from core.errors import ValidationFailed
from pipelines.blocks import KINDS
from pipelines.blocks.base import ERROR
from pipelines.graph import START, Graph, containers_of, find_cycle, walk
from pipelines.references import Reference, find
from pipelines.workflow import Block, Definition, Edge, issue

RESERVED = frozenset({"variable", "loop", "parallel"})
Issue = dict[str, str]


def require_valid(definition: Definition, *, runnable: bool) -> None:
    """Raise ``ValidationFailed`` whose sentence names the first wrong block; all in ``issues``."""
    issues = check(definition, runnable=runnable)
    if not issues:
        return
    more = f" ({len(issues) - 1} more in details.issues)" if len(issues) > 1 else ""
    raise ValidationFailed(issues[0]["message"] + more, {"issues": issues})


def check(definition: Definition, *, runnable: bool) -> list[Issue]:
    """Return everything that is wrong with a definition, the basic things first."""
    issues = [*_naming(definition), *_types(definition), *_edges(definition), *_cycle(definition)]
    issues += _references(definition)
    if runnable and not issues:
        issues = [*_start(definition), *_settings(definition), *_upstream(definition)]
    return issues


def _naming(definition: Definition) -> Iterator[Issue]:
    counts = Counter(block.key for block in definition.blocks.values())
    for block_id, block in definition.blocks.items():
        path = f"blocks.{block_id}"
        if block.id != block_id:
            yield issue(
                f"{path}.id",
                f"{_named(block)} stands under the key {block_id} but has the id {block.id}; "
                "make them equal.",
                "id_mismatch",
            )
        if counts[block.key] > 1:
            yield issue(
                f"{path}.name",
                f"{_named(block)} has the same name as another block; references ignore case and "
                "spaces, so rename one.",
                "duplicate_name",
            )
        if block.key in RESERVED or (block.key == START and block.type != START):
            yield issue(
                f"{path}.name", f"{_named(block)} has a reserved name; rename it.", "reserved_name"
            )


def _types(definition: Definition) -> Iterator[Issue]:
    for block_id, block in definition.blocks.items():
        if block.type not in KINDS:
            yield issue(
                f"blocks.{block_id}.type",
                f"{_named(block)} has the unknown type {block.type!r}; use one of "
                f"{', '.join(KINDS)}.",
                "unknown_block_type",
            )


def _edges(definition: Definition) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, edge in enumerate(definition.edges):
        path = f"edges.{index}"
        if edge.id in seen:
            yield issue(
                f"{path}.id", f"Two edges have the id {edge.id}; rename one.", "duplicate_edge"
            )
        seen.add(edge.id)
        yield from _edge(definition, edge, path)


def _edge(definition: Definition, edge: Edge, path: str) -> Iterator[Issue]:
    source, target = definition.blocks.get(edge.source), definition.blocks.get(edge.target)
    if source is None or target is None:
        missing = edge.source if source is None else edge.target
        other = source or target
        beside = f" at {_named(other)}" if other else ""
        yield issue(
            path,
            f"Edge {edge.id}{beside} is dangling: there is no block {missing!r}; "
            "remove the edge or add the block.",
            "dangling_edge",
        )
        return
    if target.type == START:
        yield issue(
            path,
            f"Edge {edge.id} leads into {_named(target)}, which begins the run; remove the edge.",
            "edge_into_start",
        )
    kind = KINDS.get(source.type)
    handles = kind.branches(source.values()) | {ERROR} if kind else frozenset({edge.handle})
    if edge.handle not in handles:
        yield issue(
            f"{path}.sourceHandle",
            f"{_named(source)} has no handle {edge.handle!r}; use {', '.join(sorted(handles))}.",
            "bad_handle",
        )


def _cycle(definition: Definition) -> Iterator[Issue]:
    cycle = [definition.blocks[i] for i in find_cycle(definition) if i in definition.blocks]
    if cycle:
        way = " → ".join(f'"{block.name}"' for block in [*cycle, cycle[0]])
        yield issue(
            f"blocks.{cycle[0].id}",
            f"{_named(cycle[0])} stands in a cycle ({way}); remove an edge or put the blocks into "
            "a loop.",
            "cycle",
        )


def _references(definition: Definition) -> Iterator[Issue]:
    names = {block.key: block for block in definition.blocks.values()}
    variables = {variable.name for variable in definition.variables.values()}
    sets_variables = any(
        KINDS[block.type].sets_variables
        for block in definition.blocks.values()
        if block.type in KINDS
    )
    for block, path, reference in _all_references(definition):
        problem = _unresolvable(definition, block, reference, names)
        if (
            reference.name == "variable"
            and not sets_variables
            and reference.path[0] not in variables
        ):
            problem = f"there is no variable {reference.path[0]!r}"
        if problem:
            yield issue(
                path,
                f"{_named(block)} refers to {reference}, but {problem}; correct the reference.",
                "unresolvable_reference",
            )


def _unresolvable(
    definition: Definition, block: Block, reference: Reference, names: dict[str, Block]
) -> str | None:
    """Return why a reference can never have a value, or None."""
    if reference.name in ("loop", "parallel"):
        holders = definition.loops if reference.name == "loop" else definition.parallels
        inside = {block.id, *containers_of(definition, block)} & set(holders)
        return None if inside else f"the block stands in no {reference.name}"
    if reference.name == "variable":
        return None
    target = _target(definition, reference, names)
    if target is None:
        return f"there is no block named {reference.name!r}"
    kind = KINDS.get(target.type)
    if kind is None or kind.open_outputs or reference.path[0] in {*kind.outputs, ERROR}:
        return None
    return f"{_named(target)} gives only {', '.join(kind.outputs)}"


def _start(definition: Definition) -> Iterator[Issue]:
    starts = Graph(definition).starts
    if len(starts) != 1:
        names = " and ".join(_named(block) for block in starts) or "none"
        yield issue("blocks", f"A run needs exactly one start block; there is {names}.", "start")
    elif not starts[0].enabled:
        yield issue(
            f"blocks.{starts[0].id}.enabled",
            f"{_named(starts[0])} is disabled; enable it to run the workflow.",
            "start",
        )


def _settings(definition: Definition) -> Iterator[Issue]:
    for block in _runnable_blocks(definition):
        for key, sentence in KINDS[block.type].problems(block.values()):
            yield issue(
                f"blocks.{block.id}.subBlocks.{key}",
                f"{_named(block)}: {sentence}; fill it in and try again.",
                "setting",
            )


def _upstream(definition: Definition) -> Iterator[Issue]:
    names = {block.key: block for block in definition.blocks.values()}
    runnable = {block.id for block in _runnable_blocks(definition)}
    for block, path, reference in _all_references(definition):
        target = _target(definition, reference, names)
        if target is None or block.id not in runnable:
            continue
        if target.id not in _before(definition, block):
            yield issue(
                path,
                f"{_named(block)} refers to {reference}, but {_named(target)} does not come before "
                "it; join them or correct the reference.",
                "reference_not_upstream",
            )


def _before(definition: Definition, block: Block) -> set[str]:
    """Return ids of the blocks that have finished when this one, or its container, starts."""
    predecessors: dict[str, set[str]] = {}
    for edge in definition.edges:
        predecessors.setdefault(edge.target, set()).add(edge.source)
    seeds = {block.id, *containers_of(definition, block)}
    return walk(seeds, lambda node: predecessors.get(node, set())) - {block.id}


def _runnable_blocks(definition: Definition) -> list[Block]:
    reached = Graph(definition).reached
    return [b for b in definition.blocks.values() if b.enabled and b.id in reached]


def _all_references(definition: Definition) -> Iterator[tuple[Block, str, Reference]]:
    for block in definition.blocks.values():
        for key, sub_block in block.sub_blocks.items():
            for token in find(sub_block.value):
                if isinstance(token, Reference):
                    yield block, f"blocks.{block.id}.subBlocks.{key}", token


def _target(definition: Definition, reference: Reference, names: dict[str, Block]) -> Block | None:
    """Return the block a reference names; ``start`` is the start block whatever its name."""
    if reference.name == START:
        starts = (block for block in definition.blocks.values() if block.type == START)
        return next(starts, None)
    return names.get(reference.name)


def _named(block: Block) -> str:
    return f'Block "{block.name}"'

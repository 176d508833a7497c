"""What makes a definition valid, in two degrees.

A draft may be saved while somebody is still filling it in, but what it says must make sense: known
types, joined ends, names that exist, no cycle. To be run it must also be complete: one start,
every needed setting, and references only to blocks that come before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from core.errors import ValidationFailed, issue
from pipelines import validity_of_containers as containers
from pipelines import validity_of_references as references
from pipelines.blocks import KINDS
from pipelines.blocks.base import ERROR
from pipelines.graph import START, find_cycle
from pipelines.issues import Issue, named
from pipelines.outline import Outline
from pipelines.workflow import Definition, Edge

RESERVED = frozenset({"variable", "loop", "parallel"})


def require_valid(definition: Definition, *, runnable: bool) -> None:
    """Raise ``ValidationFailed`` whose sentence names the first wrong block; all in ``issues``."""
    issues = check(definition, runnable=runnable)
    if not issues:
        return
    more = f" ({len(issues) - 1} more in details.issues)" if len(issues) > 1 else ""
    raise ValidationFailed(issues[0]["message"] + more, {"issues": issues})


def check(definition: Definition, *, runnable: bool) -> list[Issue]:
    """Return everything that is wrong with a definition, the basic things first."""
    issues = [*_naming(definition), *_types(definition), *containers.misplaced(definition)]
    if issues:
        return issues  # what follows needs to know which block stands where
    outline = Outline(definition)
    issues = [*_edges(outline), *_cycle(outline), *references.unresolvable(outline)]
    if runnable and not issues:
        issues = [*_start(outline), *containers.incomplete(outline), *_settings(outline)]
        issues += references.not_upstream(outline)
    return issues


def _naming(definition: Definition) -> Iterator[Issue]:
    counts = Counter(block.key for block in definition.blocks.values())
    for block_id, block in definition.blocks.items():
        path = f"blocks.{block_id}"
        if block.id != block_id:
            yield issue(
                f"{path}.id",
                f"{named(block)} stands under the key {block_id} but has the id {block.id}; "
                "make them equal.",
                "id_mismatch",
            )
        if counts[block.key] > 1:
            yield issue(
                f"{path}.name",
                f"{named(block)} has the same name as another block; references ignore case and "
                "spaces, so rename one.",
                "duplicate_name",
            )
        if block.key in RESERVED or (block.key == START and block.type != START):
            yield issue(
                f"{path}.name", f"{named(block)} has a reserved name; rename it.", "reserved_name"
            )


def _types(definition: Definition) -> Iterator[Issue]:
    for block_id, block in definition.blocks.items():
        if block.type not in KINDS:
            yield issue(
                f"blocks.{block_id}.type",
                f"{named(block)} has the unknown type {block.type!r}; use one of "
                f"{', '.join(KINDS)}.",
                "unknown_block_type",
            )


def _edges(outline: Outline) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, edge in enumerate(outline.definition.edges):
        path = f"edges.{index}"
        if edge.id in seen:
            yield issue(
                f"{path}.id", f"Two edges have the id {edge.id}; rename one.", "duplicate_edge"
            )
        seen.add(edge.id)
        yield from _edge(outline, edge, path)


def _edge(outline: Outline, edge: Edge, path: str) -> Iterator[Issue]:
    definition = outline.definition
    source, target = definition.blocks.get(edge.source), definition.blocks.get(edge.target)
    if source is None or target is None:
        missing = edge.source if source is None else edge.target
        other = source or target
        beside = f" at {named(other)}" if other else ""
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
            f"Edge {edge.id} leads into {named(target)}, which begins the run; remove the edge.",
            "edge_into_start",
        )
    kind = KINDS.get(source.type)
    handles = kind.branches(definition.values(source)) | {ERROR} if kind else {edge.handle}
    if edge.handle in handles:
        yield from containers.crossing(outline, edge, path)
    else:
        yield issue(
            f"{path}.sourceHandle",
            f"{named(source)} has no handle {edge.handle!r}; use {', '.join(sorted(handles))}.",
            "bad_handle",
        )


def _cycle(outline: Outline) -> Iterator[Issue]:
    cycle = [outline.definition.blocks[i] for i in find_cycle(outline.levels.values())]
    if cycle:
        way = " → ".join(f'"{block.name}"' for block in [*cycle, cycle[0]])
        yield issue(
            f"blocks.{cycle[0].id}",
            f"{named(cycle[0])} stands in a cycle ({way}); remove an edge or put the blocks into "
            "a loop.",
            "cycle",
        )


def _start(outline: Outline) -> Iterator[Issue]:
    starts = outline.levels[None].starts
    if len(starts) != 1:
        names = " and ".join(named(block) for block in starts) or "none"
        yield issue("blocks", f"A run needs exactly one start block; there is {names}.", "start")
    elif not starts[0].enabled:
        yield issue(
            f"blocks.{starts[0].id}.enabled",
            f"{named(starts[0])} is disabled; enable it to run the workflow.",
            "start",
        )


def _settings(outline: Outline) -> Iterator[Issue]:
    for block in outline.runnable():
        for key, sentence in KINDS[block.type].problems(outline.definition.values(block)):
            yield issue(
                references.path_of(outline.definition, block, key),
                f"{named(block)}: {sentence}; fill it in and try again.",
                "setting",
            )

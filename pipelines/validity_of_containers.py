"""What makes loops and parallels valid: what stands in what, and which edges lead in and out."""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import issue
from pipelines.blocks import KINDS
from pipelines.graph import INTO_CONTAINERS, containers_of, parents_of
from pipelines.issues import Issue, named
from pipelines.outline import Outline
from pipelines.workflow import Block, Definition, Edge

_OUTSIDE_ONLY = {"start": "begins the run", "response": "ends the run"}


def misplaced(definition: Definition) -> Iterator[Issue]:
    """Yield an issue for each block that stands in what is no container, or in itself."""
    parents = parents_of(definition)
    for block in definition.blocks.values():
        parent = parents.get(block.id)
        if parent is None:
            continue
        if definition.container(parent) is None or parent not in definition.blocks:
            yield issue(
                f"blocks.{block.id}.data.parentId",
                f"{named(block)} stands in {parent!r}, which is no loop or parallel; take it "
                "out or add the container.",
                "unknown_container",
            )
        elif block.id in containers_of(parents, parent) or parent == block.id:
            yield issue(
                f"blocks.{block.id}.data.parentId",
                f"{named(block)} stands inside itself; take one of the containers out.",
                "container_cycle",
            )


def crossing(outline: Outline, edge: Edge, path: str) -> Iterator[Issue]:
    """Yield an issue for an edge that leads into or out of a container by no handle for it."""
    source, target = outline.parents.get(edge.source), outline.parents.get(edge.target)
    is_into = edge.handle in INTO_CONTAINERS
    if target == (edge.source if is_into else source):
        return
    from_, to = (outline.definition.blocks[i] for i in (edge.source, edge.target))
    if is_into:
        sentence = f"but {named(to)} does not stand in it; join it by loop-end-source or source"
    else:
        sentence = "which does not stand in the same loop or parallel; join the container itself"
    yield issue(
        path,
        f"{named(from_)} leads by {edge.handle} to {named(to)}, {sentence}.",
        "edge_crosses_container",
    )


def incomplete(outline: Outline) -> Iterator[Issue]:
    """Yield what keeps containers, and blocks inside them, from being run."""
    for block in outline.runnable():
        if KINDS[block.type].is_container:
            yield from _container(outline, block)
        sentence = _OUTSIDE_ONLY.get(block.type)
        if sentence and outline.parents.get(block.id) is not None:
            yield issue(
                f"blocks.{block.id}.type",
                f"{named(block)} {sentence}, so it stands in no loop or parallel; take it out.",
                "not_inside",
            )


def _container(outline: Outline, block: Block) -> Iterator[Issue]:
    definition = outline.definition
    holders = definition.loops if block.type == "loop" else definition.parallels
    path = f"{block.type}s.{block.id}"
    if block.id not in holders:
        sentence = f"has no entry {block.id!r} in {block.type}s; add it with its settings"
        yield issue(path, f"{named(block)} {sentence}.", "container_entry")
    elif not any(inner.enabled for inner in outline.levels[block.id].blocks.values()):
        sentence = "holds no enabled block; put one in or take it out"
        yield issue(path, f"{named(block)} {sentence}.", "container_empty")
    if block.retry and block.retry.max_tries > 1:
        sentence = "cannot be retried as a whole; set retry on the blocks inside it"
        yield issue(f"blocks.{block.id}.retry", f"{named(block)} {sentence}.", "container_retry")

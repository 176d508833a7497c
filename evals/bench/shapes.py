"""The workflows that are run."""

from __future__ import annotations

from typing import Any, Final

BLOCKS: Final = 10
SIDE_BY_SIDE: Final = 20


def no_ops() -> dict[str, Any]:
    """A start and nine templates, one after the other."""
    return _chain([("template", {"template": "done"})] * (BLOCKS - 1))


def waits() -> dict[str, Any]:
    """A start and nine blocks that wait 200 ms, one after the other."""
    return _chain([("wait", {"seconds": 0.2})] * (BLOCKS - 1))


def side_by_side() -> dict[str, Any]:
    """A start and blocks that each wait 100 ms, independent of each other."""
    steps = [_block(number, "wait", {"seconds": 0.1}) for number in range(1, SIDE_BY_SIDE + 1)]
    edges = [{"id": f"e{step['id']}", "source": "b0", "target": step["id"]} for step in steps]
    return _definition([_block(0, "start", {}), *steps], edges)


def _chain(steps: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    blocks = [_block(n, kind, values) for n, (kind, values) in enumerate([("start", {}), *steps])]
    edges = [
        {"id": f"e{n}", "source": f"b{n - 1}", "target": f"b{n}"} for n in range(1, len(blocks))
    ]
    return _definition(blocks, edges)


def _block(number: int, kind: str, values: dict[str, Any]) -> dict[str, Any]:
    settings = {key: {"id": key, "value": value} for key, value in values.items()}
    return {
        "id": f"b{number}", "type": kind, "name": f"Step {number}", "enabled": True,
        "position": {"x": 200 * number, "y": 0}, "subBlocks": settings, "outputs": {},
    }  # fmt: skip


def _definition(blocks: list[dict[str, Any]], edges: list[dict[str, Any]]) -> dict[str, Any]:
    by_id = {block["id"]: block for block in blocks}
    return {"blocks": by_id, "edges": edges, "loops": {}, "parallels": {}, "variables": {}}

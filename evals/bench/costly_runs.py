"""Workflows that cost a service as much as a plan allows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import httpx

Definition = dict[str, Any]
_TEXT: Final = "x" * 1_900_000
_BURNING: Final = "const end = Date.now() + 9000; while (Date.now() < end); return 1"
_SLEEPING: Final = "await new Promise(resolve => setTimeout(resolve, 9000)); return 1"
_PRINTING: Final = "console.log('y'.repeat(60000)); return 'z'.repeat(1900000)"


async def deploy_costly_runs(client: httpx.AsyncClient) -> list[str]:
    """Deploy the workflows; return their paths."""
    definitions = {
        "Results": _results(),
        "Conditions": _conditions(),
        "Burning": _functions(_BURNING),
        "Sleeping": _functions(_SLEEPING),
        "Printing": _functions(_PRINTING),
    }
    paths = [await deploy(client, name, each) for name, each in definitions.items()]
    return [*paths, await _deploy_forks(client)]


async def deploy(client: httpx.AsyncClient, name: str, definition: Definition) -> str:
    """Return the path of a new deployed workflow."""
    made = await client.post("/api/workflows", json={"name": name, **definition})
    made.raise_for_status()
    path = f"/api/workflows/{made.json()['id']}"
    (await client.post(f"{path}/deploy")).raise_for_status()
    return path


def small_run() -> Definition:
    """Return a workflow of one template."""
    return _chain(_block("t", "template", template="ok"))


def trivial_function() -> Definition:
    """Return a workflow of one function that has nothing to compute."""
    return _chain(_block("f", "function", language="javascript", code="return 1"))


def _results() -> Definition:
    loops = {"l": {"id": "l", "nodes": ["t"], "loopType": "for", "iterations": 40}}
    large = _block("t", "template", template=_TEXT)
    return _chain(_block("l", "loop"), inside=[large], loops=loops)


def _conditions() -> Definition:
    cases = [
        {"id": f"c{n}", "title": "", "value": f'lower(<t.text>) contains "y{n}"'} for n in range(5)
    ]
    return _chain(
        _block("t", "template", template=_TEXT),
        _block("l", "loop"),
        inside=[_block("c", "condition", conditions=cases)],
        loops={"l": {"id": "l", "nodes": ["c"], "loopType": "for", "iterations": 20}},
    )


def _functions(code: str) -> Definition:
    around = {"p": {"id": "p", "nodes": ["f"], "parallelType": "count", "count": 20}}
    function = _block("f", "function", language="javascript", code=code)
    return _chain(_block("p", "parallel"), inside=[function], parallels=around)


async def _deploy_forks(client: httpx.AsyncClient) -> str:
    """Deploy a workflow that runs itself twenty times in parallel."""
    path = await deploy(client, "Forks", small_run())
    call = _block("call", "workflow", workflowId=path.rpartition("/")[2], input={})
    around = {"p": {"id": "p", "nodes": ["call"], "parallelType": "count", "count": 20}}
    forks = _chain(_block("p", "parallel"), inside=[call], parallels=around)
    (await client.patch(path, json=forks)).raise_for_status()
    (await client.post(f"{path}/deploy")).raise_for_status()
    return path


def _block(name: str, kind: str, **settings: Any) -> Definition:
    values = {key: {"id": key, "type": "x", "value": value} for key, value in settings.items()}
    return {"id": name, "type": kind, "name": name, "subBlocks": values}


def _chain(*blocks: Definition, inside: list[Definition] | None = None, **more: Any) -> Definition:
    """Return a definition of blocks one after the other; the last may be a container."""
    chain = [_block("s", "start"), *blocks]
    edges = [
        {"id": f"e{n}", "source": a["id"], "target": b["id"]}
        for n, (a, b) in enumerate(pairwise(chain))
    ]
    everything = [*chain, *(inside or [])]
    return {"blocks": {each["id"]: each for each in everything}, "edges": edges, **more}

"""Runs of a ten-block workflow of no-ops, with all their durable logs, over raw Haystack."""

from __future__ import annotations

from typing import Any, Final

from evals.bench.figures import Figure
from evals.bench.load import drive
from evals.bench.system import System
from pipelines.yardstick import raw_runs_per_second

_BLOCKS: Final = 10
_TODAY_RUNS_PER_SECOND: Final = 7.0  # Langflow 1.13, which stores its runs


async def measure(system: System, runs: int) -> list[Figure]:
    client = system.client
    made = await client.post("/api/workflows", json={"name": "Bench", **_definition()})
    made.raise_for_status()
    path = f"/api/workflows/{made.json()['id']}"
    (await client.post(f"{path}/deploy")).raise_for_status()

    async def run(number: int) -> None:
        answer = await client.post(f"{path}/execute", json={"input": {"number": number}})
        answer.raise_for_status()
        if not answer.json()["success"]:
            raise RuntimeError(f"a run failed: {answer.text}")

    await drive(run, range(10), 1)
    _, alone = await drive(run, range(runs // 2), 1)
    _, crowd = await drive(run, range(runs), 8)
    raw = await raw_runs_per_second(_BLOCKS)
    today = f"Langflow {_TODAY_RUNS_PER_SECOND:.0f}/s"
    return [
        Figure("workflow of ten no-ops, alone", alone, "runs/s", "over HTTP, sync"),
        Figure("workflow of ten no-ops, 8 at once", crowd, "runs/s", "over HTTP, sync"),
        Figure("workflow / raw Haystack", crowd / raw, "×", f"run_async in memory, {raw:.0f}/s"),
        Figure("workflow / today's", crowd / _TODAY_RUNS_PER_SECOND, "×", today),
    ]


def _definition() -> dict[str, Any]:
    blocks: dict[str, Any] = {}
    edges = []
    for number in range(_BLOCKS):
        kind = "start" if number == 0 else "template"
        values = {} if number == 0 else {"template": {"id": "template", "value": "done"}}
        blocks[f"b{number}"] = {
            "id": f"b{number}", "type": kind, "name": f"Step {number}", "enabled": True,
            "position": {"x": 200 * number, "y": 0}, "subBlocks": values, "outputs": {},
        }  # fmt: skip
        if number:
            edges.append({"id": f"e{number}", "source": f"b{number - 1}", "target": f"b{number}"})
    return {"blocks": blocks, "edges": edges, "loops": {}, "parallels": {}, "variables": {}}

"""The memory of what runs workflows, over many runs: a worker's, and the API's where it runs them.

Both are watched side by side on servers of their own. The first runs load what a process needs,
and fill the caches and the allocator's pools; growth is told after those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from core.config import Settings
from core.services import Services
from evals.bench.figures import Figure
from evals.bench.load import drive
from evals.bench.shapes import no_ops
from evals.bench.system import System, resident, running
from evals.bench.workers import added, rate, workers
from evals.bench.workflows import deployed

_EACH: Final = 1_000  # runs between two looks at memory
_WARM: Final = 2  # looks until then are warm-up
_MOST: Final = 1.1  # times the size after the warm-up
Say = Callable[[str], None]


async def of_worker(settings: Settings, services: Services, many: int, say: Say) -> list[Figure]:
    """Have a worker do ``many`` runs of ten no-ops; return how its memory grew."""
    plain = await added(services, no_ops())
    sizes: list[int] = []
    async with workers(settings, 1) as [worker]:
        for _ in range(_looks(many)):
            speed = await rate(services, plain, _EACH)
            sizes.append(resident(worker.pid))
            say(_line("worker", sizes, speed))
    return _figures("a worker", sizes)


async def of_api(many: int, say: Say) -> list[Figure]:
    """Have the API answer ``many`` sync calls that run ten no-ops; return how its memory grew."""
    sizes: list[int] = []
    async with running({}) as system:
        path = await deployed(system, "Bench", no_ops())
        for _ in range(_looks(many)):
            speed = await _called(system, path)
            sizes.append(_api_memory(system))
            say(_line("API", sizes, speed))
    return _figures("the API", sizes)


async def _called(system: System, path: str) -> float:
    async def run(number: int) -> None:
        answer = await system.client.post(f"{path}/execute", json={"input": {"number": number}})
        answer.raise_for_status()
        if not answer.json()["success"]:
            raise RuntimeError(f"a run failed: {answer.text}")

    _, speed = await drive(run, range(_EACH), 8)
    return speed


def _api_memory(system: System) -> int:
    return max(size for name, size in system.memory().items() if " api " in name)


def _looks(many: int) -> int:
    return max(_WARM + 2, many // _EACH)


def _line(name: str, sizes: Sequence[int], speed: float) -> str:
    return f"{name}, {len(sizes) * _EACH:,} runs: {sizes[-1] / 1e6:.1f} MB ({speed:.0f} runs/s)"


def _figures(name: str, sizes: Sequence[int]) -> list[Figure]:
    warm, last = sizes[_WARM - 1], sizes[-1]
    grown = (last - warm) / 1e6 / (len(sizes) - _WARM) * (1_000 / _EACH)
    after = f"{warm / 1e6:.0f} MB after {_WARM * _EACH:,}"
    total = f"memory of {name} after {len(sizes) * _EACH:,} runs"
    return [
        Figure(total, last / 1e6, "MB", after, "lower"),
        Figure(f"{total}, over that after {_WARM * _EACH:,}", last / warm, "×", "", "lower", _MOST),
        Figure(f"growth of {name} a thousand runs", grown, "MB", "no-ops", "lower"),
    ]

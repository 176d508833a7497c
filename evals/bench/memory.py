"""Resident memory of the service's processes at rest, models warm."""

from __future__ import annotations

from typing import Final

from evals.bench.figures import Figure
from evals.bench.system import System

_BARS: Final = {"API": 800.0, "worker": 1300.0}  # MB


def measure(system: System) -> list[Figure]:
    """Return the memory of the largest process of each kind."""
    sizes: dict[str, list[float]] = {}
    for name, size in system.memory().items():
        if (kind := _kind(name)) is not None:
            sizes.setdefault(kind, []).append(size / 1e6)
    return [
        Figure(
            f"memory, largest {kind} process", max(of), "MB",
            f"at rest, {sum(of):,.0f} MB in {len(of)}", "lower", _BARS.get(kind),
        )
        for kind, of in sorted(sizes.items())
    ]  # fmt: skip


def _kind(command: str) -> str | None:
    if "celery" in command or "workers" in command:
        return "worker"
    if "ingest" in command:
        return "parser"
    if " api " in command or "uvicorn" in command:
        return "API"
    return None

"""Resident memory of the service's processes at rest, models warm."""

from __future__ import annotations

from typing import Final

from evals.bench.figures import Figure
from evals.bench.system import System

_BARS: Final = {"API": 800.0, "worker": 1300.0}  # MB


def measure(system: System) -> list[Figure]:
    """Return the figure of each process that holds 100 MB or more."""
    figures = []
    for name, resident in sorted(system.memory().items(), key=lambda item: -item[1]):
        kind = _kind(name)
        megabytes = resident / 1e6
        if kind is not None and megabytes >= 100:
            title = f"memory, {kind} {name.rpartition(' ')[2]}"
            figures.append(Figure(title, megabytes, "MB", "at rest", "lower", _BARS.get(kind)))
    return figures


def _kind(command: str) -> str | None:
    if "celery" in command or "workers" in command:
        return "worker"
    if "ingest" in command:
        return "parser"
    if " api " in command or "uvicorn" in command:
        return "API"
    return None

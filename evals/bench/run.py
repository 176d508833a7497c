"""The whole bench: one service, every measurement, a table and optionally a JSON file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.config import Settings
from evals.bench import (
    beside,
    chat,
    knowledge,
    leaks,
    lists,
    memory,
    sockets,
    tenants,
    workers,
    workflows,
)
from evals.bench.figures import Figure
from evals.bench.model_server import model_server
from evals.bench.open_webui import installed
from evals.bench.system import System, running
from evals.scratch import opened

_LISTINGS = 10_000


async def run(documents: int, runs: int, json_file: Path | None) -> bool:
    """Measure and print; returns whether every figure with a bar clears it."""
    console = Console()
    async with model_server() as model_url:
        console.print("Starting the service on data of its own …")
        async with running(_asking(model_url)) as system:
            figures = await _measure(system, model_url, documents, runs, console)
    is_cleared = _told(console, figures)
    _write(json_file, figures)
    return is_cleared


async def run_beside(documents: int, command: Path) -> bool:
    """Measure beside an installed Open WebUI and print; returns whether every bar is cleared."""
    console = Console()
    async with model_server() as model_url:
        console.print("Starting both on data of their own …")
        async with (
            running(_asking(model_url)) as system,
            installed(command, model_url) as other,
        ):
            return _told(console, await beside.measure(system, other, model_url, documents))


def _asking(model_url: str) -> dict[str, str]:
    """Return the settings by which the service asks the stand-in model."""
    return {
        "NUXA_CHAT_MODEL": "openai/bench",
        "NUXA_CHAT_BASE_URL": model_url,
        "NUXA_CHAT_API_KEY": "bench",
    }


async def run_tenants(
    attacks: list[tenants.Attack], seconds: float, json_file: Path | None
) -> bool:
    """Measure one tenant beside what others do and print; returns as ``run`` does."""
    async with (
        model_server() as model_url,
        running({**_asking(model_url), **tenants.ENVIRONMENT}) as system,
    ):
        await system.rest()
        figures = await tenants.measure(system, attacks, seconds)
    _write(json_file, figures)
    return _told(Console(), figures)


async def run_sockets() -> bool:
    """Measure editing over sockets alone and print; returns whether every bar is cleared."""
    async with running({}) as system:
        return _told(Console(), await sockets.measure(system))


async def run_workers(settings: Settings, runs: int) -> bool:
    """Measure runs by workers of their own and print; returns whether every bar is cleared."""
    async with opened(settings) as services:
        return _told(Console(), await workers.measure(settings, services, runs))


async def run_memory(settings: Settings, runs: int) -> bool:
    """Watch the memory of a worker and of the API over so many runs each, and print."""
    console = Console()
    async with opened(settings) as services:
        figures = await leaks.of_worker(settings, services, runs, console.print)
    return _told(console, figures + await leaks.of_api(runs, console.print))


def _write(json_file: Path | None, figures: list[Figure]) -> None:
    if json_file:
        report = {"at": datetime.now(UTC).isoformat(), "figures": [f.to_json() for f in figures]}
        json_file.write_text(json.dumps(report, indent=2))


def _told(console: Console, figures: list[Figure]) -> bool:
    console.print(_table(figures))
    return all(figure.clears is not False for figure in figures)


async def _measure(
    system: System, model_url: str, documents: int, runs: int, console: Console
) -> list[Figure]:
    figures = [
        Figure("first answer after the start", system.seconds_to_live, "s", "", "lower", 5),
        Figure("ready, models warm", system.seconds_to_ready, "s", "", "lower", 15),
    ]
    console.print(f"Ingesting and searching {documents} documents …")
    base_id, found = await knowledge.measure(system, documents)
    figures += found
    console.print("Chatting …")
    figures += await chat.measure(system, base_id, model_url)
    console.print(f"Running a workflow {runs} times …")
    figures += await workflows.measure(system, runs)
    console.print("Listing workflows …")
    figures += await lists.measure(system, _LISTINGS)
    figures += memory.measure(system)
    console.print("Editing over a thousand sockets …")
    return figures + await sockets.measure(system)


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "value", "", "against", "bar", title="Measured in one run")
    for figure in figures:
        bar = ""
        if figure.bar is not None:
            sign = "≥" if figure.better == "higher" else "≤"
            bar = f"{'✓' if figure.clears else '✗'} {sign} {figure.bar:g}"
        table.add_row(figure.name, f"{figure.value:,.2f}", figure.unit, figure.yardstick, bar)
    return table

"""The bench: areas of measurements on a service of its own, and their tables."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from core.config import Settings
from evals.bench import (
    beside,
    chat,
    ingestion,
    leaks,
    lists,
    memory,
    report,
    search,
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

USUAL: Final = ("service", "ingestion", "search", "chat", "workflows", "sockets")
"""Areas that one run measures on one service."""

AREAS: Final = (*USUAL, "workers", "memory", "tenants", "beside")
_LISTINGS: Final = 10_000

Areas = Mapping[str, list[Figure]]
Found = AsyncGenerator[tuple[str, list[Figure]], None]


@dataclass(frozen=True)
class Sizes:
    """How much is measured; ``open_webui`` is the program of an installed Open WebUI."""

    documents: int
    runs: int
    passages: int
    bases: int
    seconds: float
    open_webui: Path | None = None


async def run(
    settings: Settings,
    chosen: Sequence[str],
    sizes: Sizes,
    json_file: Path | None,
    page: Path | None,
) -> bool:
    """Measure, print and write; return whether every figure with a target reaches it.

    The files are written after each area: a run that is killed loses none.
    """
    console, areas = Console(), dict[str, list[Figure]]()
    for measured in (_usual(settings, chosen, sizes), _extra(settings, chosen, sizes, console)):
        async with aclosing(measured):
            async for area, figures in measured:
                areas.setdefault(area, []).extend(figures)
                console.print(report.table(area, areas[area]))
                found = report.as_json(areas)
                if json_file is not None:
                    json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
                if page is not None:
                    page.write_text(report.as_markdown(found), encoding="utf-8")
    return all(each.clears is not False for figures in areas.values() for each in figures)


async def _usual(settings: Settings, chosen: Sequence[str], sizes: Sizes) -> Found:
    """Measure areas on one service that has the evals' own servers."""
    if not set(USUAL) & set(chosen):
        return
    async with model_server() as model_url, running(_asking(model_url)) as system:
        await system.rest()
        base_id = ""
        if "ingestion" in chosen or "chat" in chosen:
            base_id, figures = await ingestion.measure(system, sizes.documents)
            if "ingestion" in chosen:
                yield "ingestion", figures
        if "search" in chosen:
            async with opened(settings) as services:
                found = await search.measure(system, services, sizes.passages, sizes.bases)
            yield "search", found
        if "chat" in chosen:
            yield "chat", await chat.measure(system, base_id, model_url)
        if "workflows" in chosen:
            yield "workflows", await workflows.measure(system, sizes.runs)
        if "service" in chosen:
            yield "service", await _service(system)
        if "sockets" in chosen:
            yield "sockets", await sockets.measure(system)


async def _service(system: System) -> list[Figure]:
    return [
        Figure("first answer after the start", system.seconds_to_live, "s", "", "lower", 5),
        Figure("ready, models warm", system.seconds_to_ready, "s", "", "lower", 15),
        *await lists.measure(system, _LISTINGS),
        *memory.measure(system),
    ]


async def _extra(
    settings: Settings, chosen: Sequence[str], sizes: Sizes, console: Console
) -> Found:
    """Measure areas that need services of their own."""
    if "workers" in chosen or "memory" in chosen:
        async with opened(settings) as services:
            if "workers" in chosen:
                yield "workers", await workers.measure(settings, services, sizes.runs)
            if "memory" in chosen:
                many = sizes.runs * 50
                yield "memory", await leaks.of_worker(settings, services, many, console.print)
                yield "memory", await leaks.of_api(many, console.print)
    if "tenants" in chosen:
        async with (
            model_server() as model_url,
            running({**_asking(model_url), **tenants.ENVIRONMENT}) as system,
        ):
            await system.rest()
            yield "tenants", await tenants.measure(system, [*tenants.ATTACKS], sizes.seconds)
    if "beside" in chosen and sizes.open_webui is not None:
        async with (
            model_server() as model_url,
            running(_asking(model_url)) as system,
            installed(sizes.open_webui, model_url) as other,
        ):
            yield "beside", await beside.measure(system, other, model_url, sizes.documents)


def _asking(model_url: str) -> dict[str, str]:
    """Return the settings by which the service asks the stand-in model."""
    return {
        "NUXA_CHAT_MODEL": "openai/bench",
        "NUXA_CHAT_BASE_URL": model_url,
        "NUXA_CHAT_API_KEY": "bench",
    }

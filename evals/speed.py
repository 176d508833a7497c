"""The commands that measure how fast the service is, and how much memory it takes."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from core.config import Settings
from evals import many_bases, report, scale
from evals.scratch import ScratchBase, opened, servers
from evals.writing import JsonFile

app = typer.Typer()


@app.command("bench")
def bench_command(
    documents: Annotated[int, typer.Option(help="Documents to ingest and search.", min=10)] = 200,
    runs: Annotated[int, typer.Option(help="Runs of the workflow.", min=10)] = 200,
    json_file: JsonFile = None,
) -> None:
    """Measure speed and memory of the whole service, against yardsticks of the same minute.

    Ends with 1 if a figure misses its bar.
    """
    from evals.bench.run import run

    if not asyncio.run(run(documents, runs, json_file)):
        raise typer.Exit(1)


@app.command("bench-beside")
def bench_beside_command(
    open_webui: Annotated[
        Path, typer.Option(help="The open-webui of an environment that has it.", exists=True)
    ],
    documents: Annotated[int, typer.Option(help="Documents that both ingest.", min=10)] = 60,
) -> None:
    """Measure an Open WebUI that is installed on this machine as well, in the same minutes.

    What the figures of today in `bench` are depends on the machine and the hour; these do not.
    Ends with 1 if a figure misses its bar.

    Example: python -m evals bench-beside --open-webui ~/open-webui/bin/open-webui
    """
    from evals.bench.run import run_beside

    if not asyncio.run(run_beside(documents, open_webui.absolute())):
        raise typer.Exit(1)


@app.command("bench-workers")
def bench_workers_command(
    runs: Annotated[int, typer.Option(help="Runs a measurement.", min=16)] = 96,
) -> None:
    """Measure runs by one `executions` worker and by two.

    Ends with 1 if a figure misses its bar.
    """
    from evals.bench.run import run_workers

    with servers() as settings:
        if not asyncio.run(run_workers(settings, runs)):
            raise typer.Exit(1)


@app.command("bench-memory")
def bench_memory_command(
    runs: Annotated[int, typer.Option(help="Runs that each process does.", min=4_000)] = 10_000,
) -> None:
    """Watch the memory of a worker, and of the API, over many runs of a workflow.

    Ends with 1 if it grew by more than a tenth after the first two thousand.
    """
    from evals.bench.run import run_memory

    with servers() as settings:
        if not asyncio.run(run_memory(settings, runs)):
            raise typer.Exit(1)


@app.command("bench-sockets")
def bench_sockets_command() -> None:
    """Measure a thousand sockets that edit a hundred workflows together, as `bench` does at its
    end.

    Ends with 1 if a figure misses its bar.
    """
    from evals.bench.run import run_sockets

    if not asyncio.run(run_sockets()):
        raise typer.Exit(1)


@app.command("scale")
def scale_command(
    chunks: Annotated[int, typer.Option(help="Passages of the base.", min=1000)] = 100_000,
    json_file: JsonFile = None,
) -> None:
    """Search a large synthetic base: filters against exact search, and speed.

    Prints for filters that let 100, 10, 1 and 0.1 % through how many of ten results there were at
    least, and recall@10 of the nearest against exact search; then, without a filter and with the
    embedding of the question, the time of a search alone, searches a second, 8 at once, and the
    processor time of this process for each.
    """
    with servers() as settings:
        found = uvloop.run(_scale(settings, chunks))  # the API's own event loop
    report.print_scale(Console(), found)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


@app.command("many-bases")
def many_bases_command(
    bases: Annotated[int, typer.Option(help="Bases of the installation.", min=20)] = 1_000,
    passages: Annotated[int, typer.Option(help="Passages of each.", min=10)] = 100,
    json_file: JsonFile = None,
) -> None:
    """Search bases when there are ten of them, and again when there are a thousand.

    Prints milliseconds of a search of one base then and then, of twenty together, and of a page of
    the list of bases; and how long upkeep looks over all of them.
    """
    with servers() as settings:
        found = uvloop.run(_many_bases(settings, bases, passages))
    report.print_many_bases(Console(), found)
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


async def _many_bases(settings: Settings, bases: int, passages: int) -> dict[str, Any]:
    async with opened(settings) as services:
        scratch = ScratchBase(services, "many", "", "en")
        async with AsyncExitStack() as stack:
            return await many_bases.run(
                services.store,
                scratch.workspace_id,
                lambda: stack.enter_async_context(scratch.empty()),
                bases,
                passages,
            )


async def _scale(settings: Settings, chunks: int) -> dict[str, Any]:
    async with opened(settings) as services:
        scratch = ScratchBase(services, "scale", "", "en")
        async with scratch.empty() as base:
            await scale.fill(services.store, base, chunks)
            return await scale.run(services.store, scratch.workspace_id, base.id)


@app.command("bench-tenants")
def bench_tenants_command(
    attacks: Annotated[
        list[str] | None,
        typer.Option("--attack", help="anonymous or tenant, repeatable; both by default."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=5, help="Of each measurement.")] = 60,
    json_file: JsonFile = None,
) -> None:
    """Measure how long a quiet tenant waits beside what others may ask of the service.

    The quiet tenant searches, runs a workflow, runs a function and chats by turns, first idle and
    then beside each attack, within minutes. Attackers have a process of lowest priority, since
    elsewhere they would take no processor time from the service.

    anonymous: 20 clients, each from an address of its own, without credentials. Five send bodies
    of 10 MB to public routes, five sign up and log in without a pause, five keep 50 half-open
    heads each, five keep 50 uploads of a byte every 2 s each. Bar: p95 within 5 times idle.

    tenant: six callers run loops of 40 results of 1.9 MB, conditions over 1.9 MB, 20 parallel
    functions that burn, sleep, or write large frames, and a workflow that runs itself 20 times in
    parallel, as far as the plan pro allows. Bars: p95 within 3 times idle, Valkey within its limit.

    Ends with 1 if a figure misses its bar.
    """
    from evals.bench.run import run_tenants
    from evals.bench.tenants import ATTACKS

    chosen = [attack for attack in ATTACKS if not attacks or attack in attacks]
    if set(attacks or ()) - set(ATTACKS):
        raise typer.BadParameter(f"--attack must be one of {', '.join(ATTACKS)}.")
    if not asyncio.run(run_tenants(chosen, seconds, json_file)):
        raise typer.Exit(1)

"""The command that measures how fast the service is, and how much memory it takes."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from core.config import get_settings
from evals.scratch import servers
from evals.writing import JsonFile

app = typer.Typer()


@app.command("bench")
def bench_command(
    only: Annotated[
        list[str] | None, typer.Option(help="An area, several times; without it the usual six.")
    ] = None,
    passages: Annotated[int, typer.Option(help="Of the large base.", min=1000)] = 100_000,
    bases: Annotated[int, typer.Option(help="Small bases beside it.", min=20)] = 200,
    documents: Annotated[int, typer.Option(help="Texts to ingest.", min=40)] = 200,
    runs: Annotated[int, typer.Option(help="Runs of a workflow.", min=10)] = 200,
    seconds: Annotated[float, typer.Option(help="Of each measurement of tenants.", min=5)] = 60,
    open_webui: Annotated[
        Path | None, typer.Option(help="The open-webui to measure beside.", exists=True)
    ] = None,
    json_file: JsonFile = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the tables here, as docs/benchmarks.md.")
    ] = None,
) -> None:
    """Measure what users have: over HTTP, on a service and servers of its own.

    Usual areas: service (start, memory, a list), ingestion (texts, Word, PDF, scans by multipart),
    search (one large base, many small ones, recall of the timed questions), chat (cold and warm),
    workflows, sockets (a thousand that edit together).

    Others: workers (one and two), memory (over fifty times the runs), tenants (a quiet one beside
    anonymous floods and costly runs), beside (an installed Open WebUI in the same minutes).

    Ends with 1 if a figure misses its target.

    Example: python -m evals bench --only search --passages 3000 --json search.json
    """
    from evals.bench.run import AREAS, USUAL, Sizes, run

    chosen = only or [*USUAL, *(["beside"] if open_webui else [])]
    if set(chosen) - set(AREAS):
        raise typer.BadParameter(f"--only must be one of {', '.join(AREAS)}.")
    if "beside" in chosen and open_webui is None:
        raise typer.BadParameter("beside needs --open-webui.")
    program = open_webui.absolute() if open_webui else None
    sizes = Sizes(documents, runs, passages, bases, seconds, program)
    with tempfile.TemporaryDirectory(prefix="nuxa-bench-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL's own user walks through here
        os.environ["NUXA_DATA_DIR"] = directory
        get_settings.cache_clear()
        with servers() as settings:
            is_clear = asyncio.run(run(settings, chosen, sizes, json_file, markdown))
    if not is_clear:
        raise typer.Exit(1)

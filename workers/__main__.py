"""``python -m workers``: the processes that do what no caller waits for."""

from __future__ import annotations

import asyncio
import os

import typer

from core.config import get_settings
from core.embedded.process import PRIVATE_UMASK
from core.errors import NuxaError
from core.migrations import wait_until_current

_SCHEMA_SECONDS = 120
cli = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


@cli.command()
def documents(
    slots: int = typer.Option(
        max(1, (os.cpu_count() or 2) - 1), help="Documents read at the same time, a process each."
    ),
) -> None:
    """Read, split and index documents."""
    from workers.app import run_worker

    _wait_for_schema()
    run_worker(get_settings(), "documents", slots)


@cli.command()
def executions(
    slots: int = typer.Option(64, help="Runs of workflows at the same time, on one event loop."),
) -> None:
    """Run workflows."""
    from workers.app import run_worker

    _wait_for_schema()
    run_worker(get_settings(), "executions", slots)


@cli.command()
def upkeep() -> None:
    """Wake workers for what nobody took, and end what was interrupted. Several may run."""
    from workers.upkeep import run_upkeep

    _wait_for_schema()
    asyncio.run(run_upkeep(get_settings()))


def _wait_for_schema() -> None:
    url = get_settings().database_url
    if url is not None:
        asyncio.run(wait_until_current(url, _SCHEMA_SECONDS))


if __name__ == "__main__":
    os.umask(PRIVATE_UMASK)
    try:
        cli()
    except NuxaError as error:
        raise SystemExit(error.message) from error

"""``python -m api workspace …``: what only whoever runs the service may do to a workspace."""

from __future__ import annotations

import asyncio
from typing import Literal

import typer

from core.config import get_settings

cli = typer.Typer(
    no_args_is_help=True, help="Look at a workspace, and set its plan and its limits."
)
Plan = Literal["free", "pro", "enterprise"]


@cli.command()
def show(workspace: str) -> None:
    """Print a workspace's plan and limits."""
    from api import plans

    typer.echo(asyncio.run(plans.described(get_settings(), workspace)))


@cli.command()
def set_plan(workspace: str, plan: Plan) -> None:
    """Put a workspace on another plan, from the next request on."""
    from api import plans

    typer.echo(asyncio.run(plans.set_plan(get_settings(), workspace, plan)))


@cli.command()
def set_limits(
    workspace: str,
    requests_per_minute: int | None = typer.Option(None, min=-1, help="-1: no limit."),
    concurrent: int | None = typer.Option(None, min=-1, help="Runs at a time; -1: no limit."),
    run_bytes: int | None = typer.Option(None, min=1, help="Bytes that one run may keep."),
    run_blocks: int | None = typer.Option(None, min=1, help="Blocks that one run may run."),
    run_seconds: int | None = typer.Option(None, min=1, help="Seconds that one run may take."),
    child_runs: int | None = typer.Option(None, min=1, help="Runs that one run may start."),
) -> None:
    """Set the limits of an enterprise workspace; what is left away stays as it is."""
    from api import plans

    wanted = {
        "requestsPerMinute": requests_per_minute,
        "concurrentExecutions": concurrent,
        "runBytes": run_bytes,
        "runBlocks": run_blocks,
        "runSeconds": run_seconds,
        "childRuns": child_runs,
    }
    given = {name: number for name, number in wanted.items() if number is not None}
    if not given or 0 in given.values():
        raise typer.BadParameter(
            "Say at least one limit, 1 or more; -1 is no limit for requests and runs at a time."
        )
    typer.echo(asyncio.run(plans.set_limits(get_settings(), workspace, given)))

"""``python -m api``: start the service and look after it."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType

import typer

from api import operator
from core.config import forbid_phoning_home, get_settings
from core.errors import NuxaError

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print the values of variables
    help="Start the service and look after it. Settings are NUXA_* variables or a .env file.",
)
cli.add_typer(operator.cli, name="workspace")


@cli.command()
def run() -> None:
    """Start everything on this machine and print how to use it; Ctrl-C ends it.

    PostgreSQL and Valkey are brought along and keep their data under NUXA_DATA_DIR;
    NUXA_DATABASE_URL, NUXA_REDIS_URL and NUXA_BROKER_URL use servers of your own instead.
    """
    from api.start import run_all

    # Named, since a shell starts what it puts in the background with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    run_all(get_settings(), typer.echo)


@cli.command()
def serve() -> None:
    """Serve the API alone, once the schema is current; needs the servers' addresses.

    Several processes are one process a port behind a proxy that keeps a client at one of them.
    """
    from api.server import serve as serve_api

    serve_api(get_settings())


@cli.command()
def migrate() -> None:
    """Bring the database at NUXA_DATABASE_URL to this version's schema."""
    from core.migrations import migrate as migrate_schema
    from core.store.unit import async_url

    migrate_schema(async_url(_database_url()))
    typer.echo("The schema is current.")


@cli.command()
def seed() -> None:
    """Make the sample workspace, unless there are users already; print its key."""
    from api.seed import seed_sample

    _database_url()
    forbid_phoning_home(get_settings())
    sample = asyncio.run(seed_sample(get_settings()))
    typer.echo(f"Key: {sample.key}" if sample else "There are users already; nothing was made.")


@cli.command()
def rotate_secrets() -> None:
    """Seal every stored secret anew with the first key of NUXA_SECRET_KEY.

    First start every process with the new key in front of the old ones; then run this; then take
    the old ones away. It may be interrupted and run again.
    """
    from core.rotation import rotate

    _database_url()
    done = asyncio.run(rotate(get_settings()))
    typer.echo(f"{done.sealed} sealed anew, {done.current} were, {done.broken} cannot be opened.")
    if done.broken:
        raise typer.Exit(1)


def _database_url() -> str:
    url = get_settings().database_url
    if url is None:
        raise typer.BadParameter("Set NUXA_DATABASE_URL first; `run` brings a database along.")
    return url


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; an error we foresaw is one sentence, not a traceback."""
    try:
        cli()
    except NuxaError as error:
        typer.echo(error.message, err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()

"""``python -m api``: start the service and look after it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

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


@cli.command("settings")
def settings_page() -> None:
    """Print every setting with its default and meaning, as Markdown."""
    from api.settings_page import render_settings

    typer.echo(render_settings(), nl=False)


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file; only you may read it.")],
) -> None:
    """Write everything into one file: database, blobs, and the key of secrets if we made it."""
    from core.backup import backup as make_backup
    from core.embedded.reach import database_of

    settings = get_settings()
    with database_of(settings, alone=False) as url:
        made = asyncio.run(make_backup(settings, url, file))
    typer.echo(f"{file}: the database and {made.blobs} blobs, {made.size} bytes.")
    if made.has_key:
        typer.echo("It holds the key of sealed secrets: keep it as you keep passwords.")
    else:
        typer.echo("NUXA_SECRET_KEY is not in it: keep that elsewhere; a restore asks for it.")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, help="What `backup` wrote.")],
    replace: Annotated[bool, typer.Option(help="Replace a service that has users.")] = False,
) -> None:
    """Bring everything back from a file; stop the service first."""
    from core.backup import restore as bring_back
    from core.embedded.reach import database_of

    settings = get_settings()
    with database_of(settings, alone=True) as url:
        count = asyncio.run(bring_back(settings, url, file, replace))
    typer.echo(f"The database and {count} blobs are back.")


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

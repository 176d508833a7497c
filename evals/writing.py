"""Where what was found goes: figures as JSON, a page as HTML."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Page = Callable[[dict[str, Any]], str]


def _writable(path: Path | None) -> Path | None:
    """Make the folder of a file that is yet to be written: hours later were too late to refuse."""
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{path.parent} is no folder: {error.strerror}.") from None
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"{path} cannot be written; name a file.")
    return path


JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Write the figures to this file.", callback=_writable),
]
HtmlFile = Annotated[
    Path | None,
    typer.Option("--html", help="Write a page with charts here.", callback=_writable),
]


def write(
    found: dict[str, Any], json_file: Path | None, html_file: Path | None, page: Page
) -> None:
    """Write the files that are wanted."""
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if html_file is not None:
        html_file.write_text(page(found), encoding="utf-8")

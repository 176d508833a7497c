"""Writes what was found: figures as JSON, a page as HTML."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Page = Callable[[dict[str, Any]], str]


def write(
    found: dict[str, Any], json_file: Path | None, html_file: Path | None, page: Page
) -> None:
    """Write the files that are wanted."""
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if html_file is not None:
        html_file.write_text(page(found), encoding="utf-8")

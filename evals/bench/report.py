"""The tables of the bench: in the terminal, as JSON and as a page of Markdown."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from evals.bench.figures import Figure


def table(area: str, figures: Sequence[Figure]) -> Table:
    """Return the table of an area for a terminal."""
    rows = Table("figure", "value", "", "measured", "target", title=area)
    for each in figures:
        mark = {True: "✓ ", False: "✗ ", None: ""}[each.clears]
        rows.add_row(
            each.name, _number(each.value), each.unit, each.context, f"{mark}{_target(each)}"
        )
    return rows


def as_json(areas: Mapping[str, Sequence[Figure]]) -> dict[str, Any]:
    """Return the areas with what tells when, where and on which code they were measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": _machine(),
        "areas": {
            area: [each.to_json() | {"target": _target(each)} for each in figures]
            for area, figures in areas.items()
        },
    }


def as_markdown(found: Mapping[str, Any]) -> str:
    """Return a page of what :func:`as_json` gave: a table for each area."""
    head = (
        "# Benchmarks\n\n"
        f"Commit `{found['commit']}`, {found['at'][:10]}, {found['machine']}. "
        "Each command writes these tables for your machine with `--markdown FILE`.\n"
    )
    parts = [_section(area, figures) for area, figures in found["areas"].items()]
    return "\n".join([head, *parts])


def _section(area: str, figures: Sequence[Mapping[str, Any]]) -> str:
    command = f"`python -m evals bench --only {area}`"
    rows = [
        f"| {each['name']} | {_number(each['value'])} {each['unit']} | {each['target']} "
        f"| {each['context']} | {command} |"
        for each in figures
    ]
    head = "| Figure | Value | Target | Measured | Command |\n| --- | ---: | ---: | --- | --- |"
    return "\n".join([f"## {area.capitalize()}\n", head, *rows, ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def _target(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    return f"{'≥' if figure.better == 'higher' else '≤'} {figure.bar:g}"


def _commit() -> str:
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(  # noqa: S603
        ["git", "-C", str(root), "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    python = platform.python_version()
    return f"{os.cpu_count()} processors ({platform.machine()}), {memory:.0f} GB, Python {python}"

"""Shows counts: so many of so many are right, by measure, and case by case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table

from evals import report


def print_counts(console: Console, found: Mapping[str, Any]) -> None:
    """Print each measure with its share."""
    table = Table("measure", "right", "of", "share", title=f"{found['dataset']}: {found['model']}")
    for name, value in _counts(found):
        share = value["right"] / value["of"]
        table.add_row(name, str(value["right"]), str(value["of"]), f"{share:.1%}")
    console.print(table)


def page(found: Mapping[str, Any]) -> str:
    """Return the page of such a report: a chart, then every case."""
    bars = [
        (name, value["right"] / value["of"], f"{value['right']} of {value['of']}")
        for name, value in _counts(found)
    ]
    rows: Sequence[Mapping[str, Any]] = found["rows"]
    head = list(dict.fromkeys(key for row in rows for key in row))
    body = "".join(f"<tr>{_cells(row, head)}</tr>" for row in rows)
    names = "".join(f"<th>{escape(key)}" for key in head)
    title = f"{found['dataset']}: {found['model']}"
    return report.page(title, f"{report.bars(bars, 1.0)}<table><tr>{names}</tr>{body}</table>")


def _cells(row: Mapping[str, Any], head: Sequence[str]) -> str:
    return "".join(f"<td>{escape(_shown(row.get(key, '')))}" for key in head)


def _counts(found: Mapping[str, Any]) -> list[tuple[str, dict[str, int]]]:
    return [
        (name, value)
        for name, value in found.items()
        if isinstance(value, dict) and {"right", "of"} <= value.keys() and value["of"]
    ]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:300]

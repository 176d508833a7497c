"""Shows how well documents are read: by groups of files, and file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table

from evals import report


def print_measures(console: Console, found: Mapping[str, Any]) -> None:
    """Print shares and counts of each group of files."""
    table = Table("measure", "figure", title=f"{found['dataset']}: {len(found['files'])} files")
    for name, _, shown in measures(found):
        table.add_row(name, shown)
    console.print(table)


def measures(found: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    """Return each measure's name, its value as a share, and how it is shown."""
    shares = [
        (f"{group}: {name}", value, f"{value:.4f}")
        for group, means in found["modes"].items()
        for name, value in means.items()
    ]
    counts = [
        (name, value["right"] / value["of"], f"{value['right']} of {value['of']}")
        for name, value in found.items()
        if isinstance(value, dict) and {"right", "of"} <= value.keys() and value["of"]
    ]
    return shares + counts


def ocr_page(found: Mapping[str, Any]) -> str:
    """Return the page of a report about scans."""
    head = ("file", "word recall", "word errors", "character errors", "confidence", "seconds")
    rows = [
        (
            row["file"],
            f"{row['wordRecall']:.3f}",
            f"{row['wordErrorRate']:.3f}",
            f"{row['characterErrorRate']:.3f}",
            "" if row["confidence"] is None else f"{row['confidence']:.2f}",
            f"{row['seconds']:.1f}",
        )
        for row in sorted(found["files"], key=lambda row: float(row["wordRecall"]))
    ]
    wrong = {row["file"] for row in found["files"] if row["refused"]}
    return _page(f"Scans: {found['dataset']}", found, head, rows, wrong)


def formats_page(found: Mapping[str, Any]) -> str:
    """Return the page of a report about files of many formats."""
    head = ("file", "group", "outcome", "reason", "characters", "words", "headings", "cells", "s")
    shares = ("wordRecall", "headingRecall", "cellRecall")
    rows = [
        (
            *(str(row[name]) for name in ("file", "group", "outcome", "reason", "characters")),
            *(f"{row[name]:.2f}" if name in row else "" for name in shares),
            f"{row['seconds']:.1f}",
        )
        for row in found["files"]
    ]
    wrong = {row["file"] for row in found["files"] if row["outcome"] == "broke"}
    return _page(f"Formats: {found['dataset']}", found, head, rows, wrong)


def _page(
    title: str,
    found: Mapping[str, Any],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    wrong: set[str],
) -> str:
    names = "".join(f"<th>{escape(name)}" for name in head)
    body = "".join(
        f"<tr{' class=wrong' if row[0] in wrong else ''}>"
        + "".join(f"<td>{escape(cell)}" for cell in row)
        + "</tr>"
        for row in rows
    )
    chart = report.bars(measures(found), 1.0)
    return report.page(title, f"{chart}<table><tr>{names}</tr>{body}</table>")

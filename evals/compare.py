"""Compares two reports of one eval: which figures rose, which fell, and whether that is chance."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from evals import report
from evals.cases import BadData

_DRAWS: Final = 10_000
_YARDSTICK: Final = "rrf "  # the fusion that ours has to beat; what it gives, ties may turn


@dataclass(frozen=True)
class Change:
    """A figure in two reports; ``chance`` is how likely so large a difference is by chance alone,
    ``None`` where the reports do not hold the figure question by question."""

    name: str
    before: float
    after: float
    chance: float | None = None

    @property
    def difference(self) -> float:
        return self.after - self.before


def load_report(path: Path) -> dict[str, Any]:
    """Read a report that ``--json`` wrote; raises :class:`BadData`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"{path} is no report that --json wrote: {error}") from None
    if not isinstance(found, dict) or not _figures(found):
        raise BadData(f"{path} holds no figures to compare.")
    return found


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the change of every figure that both reports have; all are better when higher.

    Raises :class:`BadData` for reports of different sets.
    """
    if _set(before) != _set(after):
        raise BadData(f"One report is of {_set(before)}, the other of {_set(after)}.")
    old, new = _figures(before), _figures(after)
    return [
        Change(name, old[name], new[name], _chance(_asked(before, name), _asked(after, name)))
        for name in old
        if name in new
    ]


def print_changes(console: Console, found: Sequence[Change]) -> None:
    """Print the figures side by side."""
    table = Table("figure", "before", "after", "difference", "by chance")
    for change in found:
        before, after, by = change.before, change.after, change.difference
        shown = (f"{before:.4f}", f"{after:.4f}", f"{by:+.4f}", _shown(change.chance))
        table.add_row(change.name, *shown)
    console.print(table)


def changes_page(found: Sequence[Change], title: str) -> str:
    """Return the HTML page: both values of each figure drawn, and the table below."""
    pairs = [
        bar
        for change in found
        for bar in (
            (f"{change.name}, before", change.before, f"{change.before:.4f}"),
            (f"{change.name}, after", change.after, f"{change.after:.4f}"),
        )
    ]
    rows = "".join(
        f"<tr{' class=wrong' if change.difference < 0 else ''}><td>{escape(change.name)}"
        f"<td class=n>{change.before:.4f}<td class=n>{change.after:.4f}"
        f"<td class=n>{change.difference:+.4f}<td class=n>{_shown(change.chance)}</tr>"
        for change in found
    )
    head = "<tr><th>figure<th>before<th>after<th>difference<th>by chance</tr>"
    return report.page(title, f"{report.bars(pairs, 1.0)}<table>{head}{rows}</table>")


def _shown(chance: float | None) -> str:
    return "" if chance is None else f"{chance:.3f}"


def fallen(found: Sequence[Change], tolerance: float) -> list[Change]:
    """Return the figures that fell by more than ``tolerance``; a yardstick's may."""
    ours = [change for change in found if not change.name.startswith(_YARDSTICK)]
    return [change for change in ours if change.difference < -tolerance]


def _set(of: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(of.get(name) for name in ("dataset", "split", "half", "queryLanguage"))


def _figures(of: Mapping[str, Any]) -> dict[str, float]:
    """Return quality figures by name: those of each mode, and shares of right answers."""
    found: dict[str, float] = {}
    for mode, figures in of.get("modes", {}).items():
        found |= {f"{mode} {k}": v for k, v in figures.items() if isinstance(v, int | float)}
    for name, value in of.items():
        if isinstance(value, dict) and {"right", "of"} <= value.keys() and value["of"]:
            found[name] = value["right"] / value["of"]
    return found


def _asked(of: Mapping[str, Any], figure: str) -> Mapping[str, float]:
    """Return a figure question by question, empty where the report does not have it."""
    mode, _, metric = figure.partition(" ")
    return of.get("byQuery", {}).get(mode, {}) if metric == "ndcg@10" else {}


def _chance(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Return the p-value of a paired randomisation test (Smucker, Allan and Carterette 2007)."""
    differences = [after[q] - before[q] for q in before if q in after]
    if not differences:
        return None
    differences = [difference for difference in differences if difference]
    seen, draw = abs(sum(differences)), random.Random(7)  # noqa: S311 - the same answer each time
    as_large = sum(
        abs(sum(d if draw.random() < 0.5 else -d for d in differences)) >= seen - 1e-12
        for _ in range(_DRAWS if differences else 0)
    )
    return (as_large + 1) / (_DRAWS + 1) if differences else 1.0

"""Draws one chart: JSON from standard input, SVG or PNG to standard output."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, Final

_COLOURS: Final = ["#2563eb", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#0ea5e9", "#84cc16"]
_MOST_TICKS: Final = 24


def draw(told: dict[str, Any]) -> bytes:
    """Return the chart's bytes. Texts are texts: matplotlib's formulas stay off."""
    import matplotlib

    matplotlib.rcParams.update({"svg.fonttype": "none", "text.parse_math": False})
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(told["title"], parse_math=False)
    if told["kind"] == "pie":
        axes.pie(told["series"][0]["values"], labels=told["labels"], colors=_COLOURS)
    else:
        _plot(axes, told)
    out = io.BytesIO()
    # Without a date: the same chart is the same file.
    figure.savefig(out, format=told["format"], metadata={"Date": None} if _is_svg(told) else None)
    return out.getvalue()


def _plot(axes: Any, told: dict[str, Any]) -> None:
    places = range(len(told["labels"]))
    width = 0.8 / len(told["series"])
    for number, series in enumerate(told["series"]):
        look = {"label": series["name"] or None, "color": _COLOURS[number % len(_COLOURS)]}
        if told["kind"] == "bar":
            offset = (number - (len(told["series"]) - 1) / 2) * width
            axes.bar([place + offset for place in places], series["values"], width, **look)
        elif told["kind"] == "line":
            axes.plot(places, series["values"], marker="o", **look)
        else:
            axes.scatter(places, series["values"], **look)
    step = -(-len(told["labels"]) // _MOST_TICKS)
    shown = list(places)[::step]
    turned = {"rotation": 30, "ha": "right"} if len(shown) > 6 else {}
    axes.set_xticks(shown, [told["labels"][place] for place in shown], parse_math=False, **turned)
    axes.set_xlabel(told["x_title"], parse_math=False)
    axes.set_ylabel(told["y_title"], parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    if any(series["name"] for series in told["series"]):
        axes.legend(frameon=False)


def _is_svg(told: dict[str, Any]) -> bool:
    return bool(told["format"] == "svg")


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))

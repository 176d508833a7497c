"""Shows figures: tables in the terminal, and a page with charts that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table

_METRICS = ("ndcg@10", "recall@10", "recall@100", "mrr@10")
_COLOURS = {"hybrid": "#2563eb", "vector": "#059669", "keyword": "#d97706", "rrf": "#6b7280"}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}
table{border-collapse:collapse;width:100%;margin:1rem 0}td,th{padding:.35rem .6rem;text-align:left;
border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right;font-variant-numeric:
tabular-nums}tr.wrong td{background:#fef2f2}svg{display:block;margin:.5rem 0 1.5rem}
@media (prefers-color-scheme:dark){body{background:#111;color:#eee}td,th{border-color:#333}
tr.wrong td{background:#3b1515}svg text{fill:#eee}}
"""


def print_retrieval(console: Console, found: Mapping[str, Any]) -> None:
    """Print the modes side by side."""
    title = f"{found['dataset']}, {found['split']}: {found['queries']} queries"
    named = (metric.replace("recall", "R") for metric in _METRICS)
    table = Table("mode", *named, "p50 ms", "p95 ms", "p99 ms", title=title)
    for mode, figures in found["modes"].items():
        latency = figures.get("latencyMs", {})
        table.add_row(
            mode,
            *(f"{figures[metric]:.4f}" for metric in _METRICS),
            *(f"{latency[name]:.1f}" for name in ("p50", "p95", "p99") if latency),
        )
    console.print(table)
    _print_failures(console, found)


def print_answers(console: Console, found: Mapping[str, Any]) -> None:
    """Print how often the right documents were found."""
    title = f"{found['dataset']}: {found['questions']} questions, {found['documents']} documents"
    table = Table("measure", "right", "of", title=title)
    for label, key in _measures(found):
        table.add_row(label, str(found[key]["right"]), str(found[key]["of"]))
    console.print(table)
    console.print("search latency, ms: " + _latency(found["latencyMs"]))
    _print_failures(console, found)


_ANSWER_MEASURES = (
    ("one gold document: first result is from it", "oneGoldFirst"),
    ("several: three quarters among ten documents", "severalGoldAmongTen"),
    ("copilot: questions with gold documents answered with a citation", "answered"),
    ("… without saying that nothing was found", "outright"),
    ("… saying a figure of the gold answer, or half of its words", "correct"),
    ("… gold documents that are cited (recall)", "goldCited"),
    ("copilot: of answers that cite, those that cite gold documents only", "citesGold"),
    ("… quoting a figure of the gold answer", "quotesFigure"),
    ("… citations of a gold document with a figure or name of the answer (precision)", "precise"),
    ("copilot: lines that bear a mark", "grounded"),
    ("copilot: questions without gold documents that are declined", "declined"),
    ("copilot: cited statements that answer the question, by labels", "supportedByLabels"),
    ("… cited statements that have a label", "labelled"),
    ("copilot: cited statements that their sources support, by the judge", "supported"),
)


def _measures(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return those that were taken: a run may leave the copilot out."""
    return [(label, key) for label, key in _ANSWER_MEASURES if key in found]


def _print_failures(console: Console, found: Mapping[str, Any]) -> None:
    for name, reason in found["failedDocuments"]:
        console.print(f"[red]not read:[/red] {name}: {reason}")


def retrieval_page(found: Mapping[str, Any]) -> str:
    """Return the HTML page of a retrieval report."""
    modes = found["modes"]
    charts = [
        f"<h2>{metric}</h2>"
        + bars([(mode, modes[mode][metric], f"{modes[mode][metric]:.4f}") for mode in modes], 1.0)
        for metric in _METRICS
    ]
    timed = {mode: each["latencyMs"] for mode, each in modes.items() if "latencyMs" in each}
    slowest = max(latency["p95"] for latency in timed.values())
    latencies = [(mode, latency["p95"], _latency(latency)) for mode, latency in timed.items()]
    charts.append("<h2>Latency of a search (p95 drawn)</h2>" + bars(latencies, slowest))
    title = f"Retrieval: {found['dataset']}, {found['split']}"
    return page(title, f"<p>{found['queries']} queries.</p>" + "".join(charts))


def answers_page(found: Mapping[str, Any]) -> str:
    """Return the HTML page of a report about questions and files."""
    shares = [
        (label, found[key]["right"], f"{found[key]['right']} of {found[key]['of']}")
        for label, key in _measures(found)
    ]
    most = max(found[key]["of"] for _, key in _measures(found))
    rows = "".join(_question_row(row) for row in found["rows"])
    body = (
        f"<p>{found['questions']} questions about {found['documents']} documents; search takes "
        f"{_latency(found['latencyMs'])} ms.</p>{bars(shares, most)}"
        f"<table><tr><th>question<th>gold<th>found<th>page</tr>{rows}</table>"
    )
    return page(f"Answers: {found['dataset']}", body)


def _question_row(row: Mapping[str, Any]) -> str:
    cells = (row["question"], ", ".join(row["gold"]), ", ".join(row["found"]), row["page"] or "")
    kind = "" if row["isRight"] else ' class="wrong"'
    return f"<tr{kind}>" + "".join(f"<td>{escape(str(cell))}" for cell in cells) + "</tr>"


def bars(rows: Sequence[tuple[str, float, str]], full: float) -> str:
    """Return a bar chart as SVG; ``full`` is the value of a bar of full width."""
    height, width, left = 34, 860, 330
    parts = [f'<svg viewBox="0 0 {width} {height * len(rows)}" width="100%" role="img">']
    for number, (label, value, text) in enumerate(rows):
        y = number * height
        long = (width - left - 170) * value / full if full else 0
        colour = _COLOURS.get(label, "#2563eb")
        parts.append(
            f'<text x="{left - 10}" y="{y + 21}" text-anchor="end" font-size="14">{escape(label)}'
            f'</text><rect x="{left}" y="{y + 6}" width="{max(long, 1):.1f}" height="22" rx="3" '
            f'fill="{colour}"/><text x="{left + long + 8:.1f}" y="{y + 21}" font-size="14">'
            f"{escape(text)}</text>"
        )
    return "".join([*parts, "</svg>"])


def _latency(latency: Mapping[str, float]) -> str:
    return f"p50 {latency['p50']:.1f}, p95 {latency['p95']:.1f}, p99 {latency['p99']:.1f}"


def page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>\n"
    )

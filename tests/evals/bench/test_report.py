"""The tables of the bench."""

from __future__ import annotations

from evals.bench.figures import Figure
from evals.bench.report import as_json, as_markdown


def test_as_markdown_writes_one_table_an_area_with_targets_and_commands() -> None:
    areas = {
        "search": [Figure("hybrid, p50", 1234.5, "ms", "200 bases", "lower", 25)],
        "chat": [Figure("added", 0.25, "s", "")],
    }
    page = as_markdown(as_json(areas))
    command = "`python -m evals bench --only search`"
    assert f"| hybrid, p50 | 1,234 ms | ≤ 25 | 200 bases | {command} |" in page
    assert "| added | 0.25 s |  |  | `python -m evals bench --only chat` |" in page
    assert page.count("| Figure | Value |") == 2

"""Rows and rules of Markdown tables, as people and programs write them."""

from __future__ import annotations

import pytest

from core.markdown_tables import is_head, is_rule, rows, tables, without_rules

TEXT = "Words.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n  | no row |\n| last | one |"


def test_tables_are_runs_of_rows() -> None:
    assert [TEXT[a:b] for a, b in tables(TEXT)] == [
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "| last | one |",
    ]


def test_rows_are_lines_that_begin_with_a_bar() -> None:
    found = list(rows(TEXT, 0, len(TEXT)))
    assert [TEXT[a:b] for a, b in found] == [
        "| a | b |", "|---|---|", "| 1 | 2 |", "| last | one |",
    ]  # fmt: skip
    assert [is_head(TEXT, b) for _, b in found] == [True, False, False, False]
    assert list(rows(TEXT, 9, 17)) == [], "the part begins within a row"


@pytest.mark.parametrize(
    "line", ["| --- | --- |", "|---|---|", "|:--|--:|", "| :-: |", "|\t---\t|", "|-", "|---|  "]
)
def test_rules(line: str) -> None:
    assert is_rule(line)
    assert is_head(f"| a |\n{line}", 5)
    assert is_head(f"| a |\n{line}\n| 1 |", 5)
    assert without_rules(f"| a |\n{line}\n| 1 |") == "| a |\n| 1 |"


@pytest.mark.parametrize("line", ["", "|", "|  |  |", "---", "| - a |", "|: :|", "| — |", " | - |"])
def test_what_is_no_rule(line: str) -> None:
    assert not is_rule(line)
    assert not is_head(f"| a |\n{line}", 5)
    assert without_rules(f"| a |\n{line}\nb") == f"| a |\n{line}\nb"


def test_no_row_takes_more_than_linear_time() -> None:
    assert not is_rule("|" + "-" * 1_000_000 + "x")  # for longer than a test may take, otherwise
    assert not is_rule("|" + " " * 1_000_000 + "x")

from __future__ import annotations

import pytest

from core.markdown_tables import is_rule
from ingest.tables import (
    Cell,
    columns_of,
    head_of,
    in_columns,
    joined_amounts,
    markdown,
    without_bars,
)


def test_rows_become_a_markdown_table_as_wide_as_its_widest_row() -> None:
    table = markdown([["Item", "Sold"], [], ["Ropes", "7", "8", ""], ["a | b", "1"]])
    assert table.split("\n") == [
        "| Item | Sold |  |",
        "| --- | --- | --- |",
        "| Ropes | 7 | 8 |",
        "| a \\| b | 1 |",
    ]
    assert is_rule(table.split("\n")[1])
    assert without_bars(table) == "Item Sold\nRopes 7 8\na | b 1"


@pytest.mark.parametrize("rule", ["|---|---|", "|:--|--:|", "| --- | --- |  "])
def test_rules_that_others_write_are_no_words_either(rule: str) -> None:
    table = f"| Item | Sold |\n{rule}\n| Ropes | 7 |"
    assert without_bars(table) == "Item Sold\nRopes 7"
    assert head_of(table) == "| Item | Sold |"


def test_a_caption_stands_before_the_head_but_a_section_is_a_row() -> None:
    captioned = markdown([["Cups since 67"], ["Team", "Cups"], ["Blues", "1"]])
    assert captioned.split("\n")[:2] == ["Cups since 67", "| Team | Cups |"]
    assert head_of(captioned) == "| Team | Cups |"
    section = markdown([["Current assets:"], ["Cash", "2,800"]])
    assert section.split("\n")[0] == "| Current assets: |  |"


@pytest.mark.parametrize(
    ("row", "is_head"),
    [
        (["Three Months Ended September 30,", "2023", "2022"], True),
        (["", "June 25, 2022", "June 26, 2021"], True),
        (["Cash", "2,023", "2,022"], False),
        (["Cash in 2023", "12"], False),
        (["Cash", "2023", "80"], False),
    ],
)
def test_years_below_a_caption_are_the_head(row: list[str], is_head: bool) -> None:
    table = markdown([["(In millions)"], row, ["Cash", "2,800", "2,900"]])
    assert table.startswith("(In millions)\n|") is is_head


def test_one_column_is_no_table() -> None:
    assert markdown([["a"], ["b"]]) == "a\nb"
    assert markdown([]) == ""


def test_currency_and_brackets_go_with_their_amount() -> None:
    row = [
        Cell("Net income", 0.0, 0.2),
        Cell("$", 0.5, 0.51),
        Cell("10 $", 0.55, 0.61),
        Cell("(2", 0.7, 0.75),
        Cell(")%", 0.76, 0.78),
    ]
    assert [cell.text for cell in joined_amounts(row)] == ["Net income", "$ 10", "$ (2)%"]


def test_cells_stand_in_the_columns_of_the_full_rows() -> None:
    full = [Cell("Ropes", 0.0, 0.2), Cell("7", 0.5, 0.52), Cell("8", 0.8, 0.82)]
    wide = [Cell("Both years", 0.45, 0.9)]
    columns = columns_of([full, wide, [Cell("Only last", 0.0, 0.25), Cell("9", 0.79, 0.82)]])
    assert len(columns) == 3
    assert in_columns([Cell("Only last", 0.0, 0.25), Cell("9", 0.79, 0.82)], columns) == [
        "Only last",
        "",
        "9",
    ]
    assert sum(bool(text) for text in in_columns(wide, columns)) == 1

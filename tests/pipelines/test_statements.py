"""What passages say piece by piece."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statements import LONGEST, statements

REPORT = """\
Operating Expenses

Operating expenses were as follows (in millions):

|  | Q3 2022 | Q3 2021 |
| --- | --- | --- |
| Research and development | $ 6,797 | $ 5,717 |
| Other: |
| Rent | 12 | 11 |

Research grew since more people were hired. See the notes.
"""


def test_a_row_is_told_under_its_columns_and_headings() -> None:
    found = {each.text: each for each in statements(REPORT)}
    row = found["Research and development: Q3 2022 $ 6,797; Q3 2021 $ 5,717"]
    assert row.heading == "Operating Expenses. Operating expenses were as follows (in millions)"
    quoted = REPORT[row.start : row.end]
    assert quoted.startswith("|  | Q3 2022 | Q3 2021 |\n")
    assert quoted.endswith("\n| Research and development | $ 6,797 | $ 5,717 |")
    assert found["Rent: Q3 2022 12; Q3 2021 11"].heading.endswith(". Other")
    assert "Research grew since more people were hired." in found


def test_a_row_far_from_its_columns_is_quoted_alone() -> None:
    table = "| a | b |\n|---|---|\n" + "".join(f"| row {n} | {n} |\n" for n in range(60))
    *_, last = statements(table)
    assert table[last.start : last.end] == "| row 59 | 59 |"
    assert last.text == "row 59: b 59"


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        ("DO NOT OPEN VALVE 7", False),
        ("INCOME TAXES", True),
        ("TOTAL WITH TAX 12.50", False),
        ("DATE OF SALE: 25/12/2018", False),
        ("PLEASE CALL BACK BEFORE 5.", False),
        ("Note 10 - Income taxes", False),
    ],
)
def test_statements_of_short_line_with_a_number_are_no_heading(line: str, is_heading: bool) -> None:
    first, *others = statements(f"{line}\n\nThe tax rate fell by two points.")
    assert (first.text == "The tax rate fell by two points.") is is_heading
    assert first.heading == (line if is_heading else "")
    assert bool(others) is not is_heading


@given(st.text(alphabet="ab1 |-:.\n#é漢", max_size=600))
def test_every_statement_stands_where_it_says(text: str) -> None:
    for each in statements(text):
        assert 0 <= each.start < each.end <= len(text)
        assert each.end - each.start <= LONGEST
        assert text[each.start : each.end].strip()

"""Tables after the CALS model."""

from __future__ import annotations

import pytest
from lxml import etree

from ingest.jats import cals
from ingest.spans import spread


def _rows(group: str) -> list[list[str]]:
    root = etree.fromstring(f"<table><tgroup>{group}</tgroup></table>")
    cals.rewrite(root)
    (table,) = root
    spread(table)
    return [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]


_COLUMNS = '<colspec colname="a"/><colspec colname="b"/><colspec colname="c"/>'


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("<row><entry>1</entry><entry>2</entry></row>", [["1", "2"]]),
        (
            '<row><entry namest="a" nameend="b">1</entry><entry>2</entry></row>',
            [["1", "1", "2"]],
        ),
        (
            '<row><entry>1</entry><entry namest="b" nameend="c" morerows="1">2</entry></row>'
            "<row><entry>3</entry></row>",
            [["1", "2", "2"], ["3", "2", "2"]],
        ),
        (
            '<row><entry>1</entry><entry>2</entry></row><row><entry colname="c">3</entry></row>',
            [["1", "2"], ["", "", "3"]],
        ),
        ('<row><entry>1</entry><entry namest="c" nameend="a">2</entry></row>', [["1", "", "2"]]),
        ('<row><entry>1</entry><entry namest="x" nameend="b">2</entry></row>', [["1", "2"]]),
        ('<row><entry morerows="-1">1</entry><entry morerows="99999999">2</entry></row>',
         [["1", "2"]]),
        ("<row><entry>1</entry><entrytbl>in</entrytbl></row>", [["1", "in"]]),
    ],
)  # fmt: skip
def test_entries_stand_in_the_columns_that_they_name(rows: str, told: list[list[str]]) -> None:
    assert _rows(f"{_COLUMNS}<tbody>{rows}</tbody>") == told


def test_what_takes_more_rows_than_there_are_does_not_reach_out_of_its_section() -> None:
    head = '<thead><row><entry morerows="3">1</entry><entry>2</entry></row></thead>'
    body = "<tbody><row><entry>3</entry><entry>4</entry></row></tbody>"
    assert _rows(f"{_COLUMNS}{head}{body}") == [["1", "2"], ["3", "4"]]


def test_each_group_is_a_table_and_what_has_none_stays() -> None:
    group = "<tgroup><tbody><row><entry>1</entry></row></tbody></tgroup>"
    root = etree.fromstring(f"<p><table>{group * 2}</table><table><tr><td>2</td></tr></table></p>")
    cals.rewrite(root)
    assert [len(table) for table in root] == [2, 1]
    assert [cell.text for cell in root.iter("td")] == ["1", "1", "2"]


def test_columns_far_away_do_not_let_a_table_grow_without_bound() -> None:
    far = '<colspec colname="a"/><colspec colname="z" colnum="99999"/>'
    row = '<row><entry namest="a" nameend="z">1</entry><entry colname="z">2</entry></row>'
    assert max(map(len, _rows(f"{far}<tbody>{row * 3}</tbody>"))) < 210

"""Cells that span others stand in every place that they span."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from ingest.spans import spread


def _rows(source: str) -> list[list[str]]:
    table = html.fragment_fromstring(f"<table>{source}</table>")
    spread(table)
    return [[cell.text_content() for cell in row] for row in table.iter("tr")]


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("<tr><td>a<td>b<tr><td>c<td>d", [["a", "b"], ["c", "d"]]),
        ("<tr><td rowspan=2>a<td>b<tr><td>c", [["a", "b"], ["a", "c"]]),
        ("<tr><td>a<td rowspan=2>b<tr><td>c", [["a", "b"], ["c", "b"]]),
        ("<tr><td>a<th colspan=2>b<tr><td>c<td>d<td>e", [["a", "b", "b"], ["c", "d", "e"]]),
        ("<tr><td rowspan=2 colspan=2>a<td>b<tr><td>c", [["a", "a", "b"], ["a", "a", "c"]]),
        ("<tr><td colspan=9>said of all<tr><td>a<td>b", [["said of all"], ["a", "b"]]),
        ("<thead><tr><td rowspan=0>a<td>b</thead><tr><td>c", [["a", "b"], ["a", "c"]]),
        ("<tr><td>a<td>b<td rowspan=2>z<tr><td>c", [["a", "b", "z"], ["c", "", "z"]]),
        ("<tr><td>a<td>b<td rowspan=2>z<tr>", [["a", "b", "z"], ["", "", "z"]]),
        ("<tfoot><tr><td>z</tfoot><tbody><tr><td>a</tbody>", [["a"], ["z"]]),
        ("<tr><td rowspan=x colspan=-1>a<td colspan='²'>b", [["a", "b"]]),
        ("<tr><td colspan=99999>a<td>b", [["a"] * 100 + ["b"]]),
    ],
)
def test_a_row_has_as_many_cells_as_columns(source: str, rows: list[list[str]]) -> None:
    assert _rows(source) == rows


def test_long_texts_are_said_once_and_their_other_places_stay_blank() -> None:
    long = "many words " * 20
    assert _rows(f"<tr><td rowspan=2>{long}<td>b<tr><td>c")[1] == ["", "c"]


def test_a_table_within_a_cell_is_left_to_itself() -> None:
    inner = "<table><tr><td rowspan=2>x<td>y<tr><td>z</table>"
    table = html.fragment_fromstring(f"<table><tr><td>a<td>{inner}</table>")
    spread(table)
    assert [len(row) for row in table.iter("tr")] == [2, 2, 1]


def test_a_table_that_would_grow_without_end_does_not() -> None:
    row = "<tr>" + "<td rowspan=999 colspan=100>a" * 20
    table = html.fragment_fromstring(f"<table>{row * 300}</table>")
    assert not spread(table)
    assert sum(map(len, table.iter("tr"))) < 200_000


def test_a_large_table_is_put_in_place_down_to_its_last_row() -> None:
    group = "<tr><td rowspan=2>{0}<td>1<td>2<td>3<td>4<tr><td>5<td>6<td>7<td>8"
    table = html.fragment_fromstring(f"<table>{''.join(map(group.format, range(6000)))}</table>")
    assert spread(table)
    *_, last = table.iter("tr")
    assert [cell.text_content() for cell in last] == ["5999", "5", "6", "7", "8"]


_NUMBER = st.integers(0, 4)


@given(st.lists(st.lists(st.tuples(_NUMBER, _NUMBER), max_size=4), max_size=6))
def test_no_cell_is_lost(shape: list[list[tuple[int, int]]]) -> None:
    cells = [(r, c) for r, row in enumerate(shape) for c in range(len(row))]
    source = "".join(
        "<tr>" + "".join(f"<td rowspan={a} colspan={b}>{r},{c}" for c, (a, b) in enumerate(row))
        for r, row in enumerate(shape)
    )
    said = {text for row in _rows(source) for text in row}
    assert {f"{r},{c}" for r, c in cells} <= said

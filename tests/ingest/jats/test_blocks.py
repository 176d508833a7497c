"""Tables of JATS articles, whichever model they are written after."""

from __future__ import annotations

from pathlib import Path

from ingest import jats
from ingest.document import Piece

_TABLE = """<article><body>
<table-wrap><label>Table 1</label><caption><title>Loads.</title></caption>
<alternatives><graphic/><table><thead><tr><th rowspan="2">Rope</th><th colspan="2">Load</th></tr>
<tr><th>dry</th><th>wet</th></tr></thead><tbody><tr><td colspan="3">Natural</td></tr>
<tr><td rowspan="2">Hemp</td><td>7<xref ref-type="table-fn"><sup>a</sup></xref></td><td>5</td></tr>
<tr><td>8</td><td>6</td></tr></tbody></table></alternatives>
<table-wrap-foot><fn><label>a</label><p>In kilonewtons.</p></fn></table-wrap-foot>
</table-wrap></body></article>"""


def _pieces(folder: Path, xml: str) -> list[Piece]:
    path = folder / "a.nxml"
    path.write_text(xml, encoding="utf-8")
    reading = jats.read(path)
    assert reading is not None
    return reading.pieces


def _body(folder: Path, xml: str) -> list[Piece]:
    return _pieces(folder, f"<article><body>{xml}</body></article>")


def test_a_table_keeps_its_columns_under_one_head(tmp_path: Path) -> None:
    label, table, note = _pieces(tmp_path, _TABLE)
    assert (label.text, note.text) == ("Table 1 Loads.", "a In kilonewtons.")
    assert table.kind == "table"
    assert table.text.split("\n") == [
        "| Rope | Load dry | Load wet |",
        "| --- | --- | --- |",
        "| Natural |",
        "| Hemp | 7 a | 5 |",
        "| Hemp | 8 | 6 |",
    ]


def test_what_is_at_the_foot_comes_last(tmp_path: Path) -> None:
    head, foot = (
        "<thead><tr><th>Rope</th><th>N</th></tr></thead>",
        "<tr><td>All</td><td>9</td></tr>",
    )
    body = "<tbody><tr><td>Hemp</td><td>9</td></tr></tbody>"
    (table,) = _body(tmp_path, f"<table>{head}<tfoot>{foot}</tfoot>{body}</table>")
    assert table.text.split("\n")[2:] == ["| Hemp | 9 |", "| All | 9 |"]


_CALS = """<table-wrap xmlns:oasis="http://docs.oasis-open.org/ns/oasis-exchange/table">
<oasis:table><oasis:title>Loads</oasis:title><oasis:tgroup cols="4">
<oasis:colspec colnum="1" colname="a"/><oasis:colspec colname="b"/><oasis:colspec colname="c"/>
<oasis:colspec colname="d"/><oasis:spanspec spanname="both" namest="b" nameend="c"/>
<oasis:thead><oasis:row><oasis:entry morerows="1">Rope</oasis:entry>
<oasis:entry spanname="both">Load</oasis:entry><oasis:entry morerows="1">Year</oasis:entry>
</oasis:row><oasis:row><oasis:entry>dry</oasis:entry><oasis:entry>wet</oasis:entry></oasis:row>
</oasis:thead><oasis:tbody>
<oasis:row><oasis:entry namest="a" nameend="d">Natural</oasis:entry></oasis:row>
<oasis:row><oasis:entry morerows="9">Hemp</oasis:entry><oasis:entry>7</oasis:entry>
<oasis:entry>5</oasis:entry><oasis:entry>1999</oasis:entry></oasis:row>
<oasis:row><oasis:entry colname="d">2000</oasis:entry></oasis:row>
<oasis:row><oasis:entry namest="b" nameend="c">6</oasis:entry><oasis:entry>2001</oasis:entry>
</oasis:row></oasis:tbody></oasis:tgroup></oasis:table></table-wrap>"""


def test_cells_of_cals_stand_in_every_place_that_they_name(tmp_path: Path) -> None:
    title, table = _body(tmp_path, _CALS)
    assert title.text == "Loads"
    assert table.text.split("\n") == [
        "| Rope | Load dry | Load wet | Year |",
        "| --- | --- | --- | --- |",
        "| Natural |",
        "| Hemp | 7 | 5 | 1999 |",
        "| Hemp |  |  | 2000 |",
        "| Hemp | 6 | 6 | 2001 |",
    ]

"""What unstructured's reader of HTML would lose is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import office
from ingest.document import Piece

TABLE = "<table><tr><th>Item<th>Price</tr><tr><td>Nails<td>4</tr></table>"
LINES = "| Item | Price |\n| --- | --- |\n| Nails | 4 |"


def _read(tmp_path: Path, body: str, kind: str = "html") -> list[Piece]:
    path = tmp_path / f"page.{kind}"
    path.write_text(f"<html><body>{body}</body></html>" if kind == "html" else body)
    return office.read(path, kind).pieces


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (f"<figure>{TABLE}<figcaption>What iron costs.</figcaption></figure>",
         [LINES, "What iron costs."]),
        ("<form action=x><h2>Opening hours</h2><p>We open at nine.</p><input value=no></form>",
         ["Opening hours", "We open at nine."]),
        ("<details><summary>May I bring a dog?</summary><p>Yes, on a lead.</p></details>",
         ["May I bring a dog?", "Yes, on a lead."]),
        ("<fieldset><legend>Fees for boats</legend><label>Up to ten metres: 4</label></fieldset>",
         ["Fees for boats", "Up to ten metres: 4"]),
        ("<nav><a href=x>Home page</a></nav><p>We open at nine.</p>", ["We open at nine."]),
        ("<header><nav>Home</nav><h1>Our harbour</h1></header><main><p>We open at nine.</p></main>",
         ["Our harbour", "We open at nine."]),
        ("<h1>Site</h1><main><h1>Our harbour</h1><p>We open at nine.</p></main>",
         ["Our harbour", "We open at nine."]),
        ("<p>We open at nine and close at five.</p><main><p>Welcome.</p></main>",
         ["We open at nine and close at five.", "Welcome."]),
        (f"<div>{'<p><a href=x>To another page</a></p>' * 9}</div><main><p>At nine.</p></main>",
         ["At nine."]),
        ("<p><ruby>海<rp>(</rp><rt>うみ</rt><rp>)</rp></ruby>の日 is on Monday.</p>",
         ["海の日 is on Monday."]),
        (TABLE.replace("<table>", "<table><caption>What iron costs</caption>"),
         [f"What iron costs\n{LINES}"]),
        (TABLE.replace("Nails", "<b>N</b><i>ails</i>"), [LINES]),
        ("<p>We know that <math><mi>a</mi><mo>=</mo><msup><mi>b</mi><mn>2</mn></msup></math>.</p>",
         ["We know that a = b^2."]),
        ("<p>Ropes hold.</p><ol><li><p>Some.<a href=#r role=doc-backlink>↩︎</a></p></li></ol>",
         ["Ropes hold.", "Some."]),
        ("<p>It holds 10<sup>5</sup> newtons of CO<sub>2</sub>.</p>",
         ["It holds 10^5 newtons of CO2."]),
    ],
)  # fmt: skip
def test_what_people_read_on_a_page_is_kept(tmp_path: Path, body: str, texts: list[str]) -> None:
    assert [piece.text for piece in _read(tmp_path, body)] == texts


def test_a_mail_in_html_keeps_its_tables_columns(tmp_path: Path) -> None:
    body = "<table><tr><td rowspan=2>Iron<td>Nails<td>4</tr><tr><td>Screws<td>5</tr></table>"
    head = "From: a@b.c\nSubject: Prices\nContent-Type: text/html\n\n"
    (table,) = [p for p in _read(tmp_path, head + body, "eml") if p.kind == "table"]
    assert table.text.splitlines()[-1] == "| Iron | Screws | 5 |"


def test_deep_pages_are_read_to_their_end(tmp_path: Path) -> None:
    body = f"{'<div>' * 400}<p>Far within.</p>{'</div>' * 400}<p>The end of it.</p>"
    assert [piece.text for piece in _read(tmp_path, body)] == ["Far within.", "The end of it."]

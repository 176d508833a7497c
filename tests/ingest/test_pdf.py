from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest import pdf
from ingest.document import ParsedDocument, assemble
from ingest.failures import CorruptDocument, TooManyPages
from ingest.limits import Limits
from tests.ingest import making

BODY = "This line of text runs on to the right edge of its page, as prose does"


def _read(tmp_path: Path, data: bytes, limits: Limits | None = None) -> ParsedDocument:
    path = tmp_path / "x.pdf"
    path.write_bytes(data)
    return assemble(pdf.read(path, limits or Limits(), "eng", lambda *_: None))


def test_lines_become_titles_paragraphs_and_rows_with_pages(tmp_path: Path) -> None:
    document = _read(
        tmp_path,
        making.pdf(
            [
                [
                    (72, 80, 20, "F2", "Annual report"),
                    (72, 120, 11, "F1", BODY),
                    (72, 134, 11, "F1", BODY + "."),
                ],
                [
                    (72, 80, 14, "F2", "Sales"),
                    (72, 110, 11, "F1", "Products"),
                    (300, 110, 11, "F1", "63,355"),
                    (400, 110, 11, "F1", "63,948"),
                    (72, 124, 11, "F1", "Total net sales"),
                    (300, 124, 11, "F1", "82,959"),
                    (400, 124, 11, "F1", "81,434"),
                ],
            ]
        ),
    )
    title, text, sales, table = document.elements
    assert (title.kind, title.text, title.page) == ("title", "Annual report", 1)
    assert (text.kind, text.text) == ("text", f"{BODY} {BODY}.")
    assert text.heading_path == ("Annual report",)
    assert (sales.kind, sales.page, sales.heading_path) == ("title", 2, ("Annual report",))
    assert table.kind == "table"
    assert table.text.split("\n") == [
        "| Products | 63,355 | 63,948 |",
        "| --- | --- | --- |",
        "| Total net sales | 82,959 | 81,434 |",
    ]
    assert table.heading_path == ("Annual report", "Sales")
    assert document.page_count == document.pages_with_text == 2


def test_heads_of_several_lines_and_sections_apart_make_one_table(tmp_path: Path) -> None:
    rows = [("Sales:", "", ""), ("Ropes", "$ 10", "$ 12"), ("Sails", "4", "(5)")]
    more = [("Costs:", "", ""), ("Tar", "3", "2"), ("Hemp", "6", "7")]
    texts: list[making.TextAt] = [(72, 80, 11, "F1", f"{BODY}:")]
    for x, year in ((300, "2021"), (400, "2022")):
        texts += [(x, 110, 11, "F1", "May 31,"), (x, 124, 11, "F1", year)]
    for y, (label, *amounts) in zip((138, 152, 166, 194, 208, 222), rows + more, strict=True):
        texts.append((72, y, 11, "F1", label))
        texts += [(x, y, 11, "F1", t) for x, t in zip((300, 400), amounts, strict=True) if t]
    _, table = _read(tmp_path, making.pdf([texts])).elements
    assert table.text.split("\n") == [
        "|  | May 31, 2021 | May 31, 2022 |",
        "| --- | --- | --- |",
        "| Sales: |",
        "| Ropes | $ 10 | $ 12 |",
        "| Sails | 4 | (5) |",
        "| Costs: |",
        "| Tar | 3 | 2 |",
        "| Hemp | 6 | 7 |",
    ]


_ROWS = (("Harbour", "Ships", "Tons"), ("Langvik", "212", "4,500"), ("Skerra", "98", "700"))
_TABLE = [
    "| Harbour | Ships | Tons |",
    "| --- | --- | --- |",
    "| Langvik | 212 | 4,500 |",
    "| Skerra | 98 | 700 |",
]


def _places(step: int, top: int = 80) -> list[making.TextAt]:
    return [
        (x, top + step * i, 11, "F1", text)
        for i, row in enumerate(_ROWS)
        for x, text in zip((72, 250, 400), row, strict=True)
    ]


def test_read_of_a_table_on_a_turned_page_parts_its_cells(tmp_path: Path) -> None:
    (table,) = _read(tmp_path, making.pdf([_places(14)], is_landscape=True)).elements
    assert table.text.split("\n") == _TABLE


def test_read_of_rows_far_apart_below_prose_makes_a_table(tmp_path: Path) -> None:
    prose: list[making.TextAt] = [(72, 80 + 14 * n, 11, "F1", BODY) for n in range(3)]
    text, table = _read(tmp_path, making.pdf([prose + _places(28, 136)])).elements
    assert text.kind == "text"
    assert table.text.split("\n") == _TABLE


def test_read_of_a_table_written_by_columns_joins_its_rows(tmp_path: Path) -> None:
    by_columns = sorted(_places(14), key=lambda place: place[0])
    (table,) = _read(tmp_path, making.pdf([by_columns])).elements
    assert table.text.split("\n") == _TABLE


def test_columns_written_across_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = [f"The left column goes on with its line {n}" for n in "abcdef"]
    right = [f"The right column has lines of its own {n}" for n in "abcdef"]
    texts: list[making.TextAt] = [(72, 60, 11, "F1", f"{BODY}.")]
    for y, pair in zip(range(90, 180, 14), zip(left, right, strict=True), strict=False):
        texts += [(x, y, 11, "F1", text) for x, text in zip((72, 320), pair, strict=True)]
    texts.append((72, 200, 11, "F1", f"{BODY}."))
    document = _read(tmp_path, making.pdf([texts]))
    assert [element.text for element in document.elements] == [
        f"{BODY}.",
        " ".join(left),
        " ".join(right),
        f"{BODY}.",
    ]
    assert all(element.kind == "text" for element in document.elements)
    assert document.elements[1].bbox[2] < 0.5 < document.elements[2].bbox[0]  # type: ignore[index]


def test_a_table_of_short_texts_is_not_taken_for_columns(tmp_path: Path) -> None:
    rows = [
        ("A warm coat for winter", "Sold out until the spring comes"),
        ("Boots that are lined with fur", "In stock, few of them"),
        ("Gloves of knitted wool", "Ordered again from the maker in May"),
        ("A hat, a scarf and more", "In stock in every size"),
        ("Socks in packets of five pairs", "Gone since last November"),
    ]
    texts = [
        (x, 90 + 14 * i, 11, "F1", text)
        for i, row in enumerate(rows)
        for x, text in zip((72, 320), row, strict=True)
    ]
    (table,) = _read(tmp_path, making.pdf([texts])).elements
    assert table.text.split("\n")[2] == f"| {rows[1][0]} | {rows[1][1]} |"


@pytest.mark.parametrize("pages", [2, 5])
def test_what_stands_in_the_margins_of_all_pages_is_dropped(tmp_path: Path, pages: int) -> None:
    texts = [
        [
            (72, 40, 9, "F1", "Yearly letter of the harbour office"),
            *(
                (72, 100 + 14 * n, 11, "F1", f"{'abcde'[page - 1]}{'abcdefgh'[n]} this and that")
                for n in range(8)
            ),
            (280, 770, 9, "F1", f"Page {page} of {pages}"),
        ]
        for page in range(1, pages + 1)
    ]
    text = _read(tmp_path, making.pdf(texts)).text
    assert "Yearly letter" not in text
    assert f"of {pages}" not in text
    assert "ag this and that" in text


def test_boxes_are_shares_of_the_page_from_its_top_left(tmp_path: Path) -> None:
    document = _read(tmp_path, making.pdf([[(61.2, 79.2, 12, "F1", "Hello page, you are white")]]))
    x0, y0, x1, y1 = document.elements[0].bbox or (9, 9, 9, 9)
    assert x0 == pytest.approx(0.1, abs=0.01)
    assert y1 == pytest.approx(0.1, abs=0.01)
    assert 0.085 < y0 < y1
    assert x0 < x1 < 0.5


def test_boxes_of_turned_pages_are_as_displayed(tmp_path: Path) -> None:
    texts: list[making.TextAt] = [(61.2, 79.2, 12, "F1", "Hello page, you are white")]
    document = _read(tmp_path, making.pdf([texts], rotate=90))
    x0, y0, x1, y1 = document.elements[0].bbox or (9, 9, 9, 9)
    assert x1 == pytest.approx(0.9, abs=0.02), "the top of the sheet is at the right"
    assert y0 == pytest.approx(0.1, abs=0.02)
    assert y1 - y0 > x1 - x0


def test_running_headers_and_footers_are_dropped(tmp_path: Path) -> None:
    pages: list[list[making.TextAt]] = [
        [
            (72, 40, 9, "F1", "Secret Company Inc. confidential"),
            (72, 200, 11, "F1", f"What page {n} says about the matter at hand."),
            (72, 230, 11, "F1", f"It goes on with statement {'abcde'[n]} here."),
            (72, 260, 11, "F1", f"Then comes the thought {'vwxyz'[n]} of someone."),
            (72, 290, 11, "F1", f"It is followed by {'fghij'[n]} at a distance."),
            (72, 320, 11, "F1", f"And it ends with word {'klmno'[n]} there."),
            (300, 760, 9, "F1", f"Page {n}"),
        ]
        for n in range(5)
    ]
    text = _read(tmp_path, making.pdf(pages)).text
    assert "Secret" not in text
    assert "Page" not in text
    assert "statement c here" in text


def test_short_pages_keep_lines_that_they_share(tmp_path: Path) -> None:
    pages: list[list[making.TextAt]] = [
        [(72, 80, 12, "F1", f"Ticket {n}"), (72, 300, 12, "F1", f"Seat {n * 7}")] for n in range(5)
    ]
    assert "Seat 28" in _read(tmp_path, making.pdf(pages)).text


def test_a_blank_page_is_not_recognised(tmp_path: Path) -> None:
    document = _read(tmp_path, making.pdf([[(72, 80, 12, "F1", "Only one page has words")], []]))
    assert (document.page_count, document.pages_with_text, document.ocr_pages) == (2, 1, 0)


def test_a_page_without_text_is_recognised_and_found_on_its_page(tmp_path: Path) -> None:
    from PIL import Image

    scan = making.scan(tmp_path / "scan.png", ["The lease began in March", "and ends in October"])
    Image.open(scan).convert("RGB").save(tmp_path / "scan.pdf")
    document = assemble(pdf.read(tmp_path / "scan.pdf", Limits(), "eng", lambda *_: None))
    assert "The lease began in March" in document.text
    assert document.ocr_pages == 1
    assert document.ocr_confidence is not None
    assert document.ocr_confidence > 0.8


def test_too_many_pages_and_damage_are_told(tmp_path: Path) -> None:
    with pytest.raises(TooManyPages, match="3 pages"):
        _read(tmp_path, making.pdf([[], [], []]), replace(Limits(), max_pages=2))
    with pytest.raises(CorruptDocument):
        _read(tmp_path, b"%PDF-1.4 and nothing else")

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.document import Piece, Reading, assemble
from ingest.split import embedding_text, indexed_text, split, split_for
from ingest.tables import markdown
from ingest.tokens import count_tokens
from tests.ingest.making import prose


def _document(*pieces: Piece):  # type: ignore[no-untyped-def]
    return assemble(Reading(list(pieces)))


def test_passages_are_slices_of_the_text_within_the_budget() -> None:
    document = _document(
        Piece("title", "Travel"), Piece("text", prose("The company pays for train tickets", 120))
    )
    chunks = split(document)
    assert len(chunks) > 3
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.token_count == count_tokens(chunk.text) <= 200
        assert chunk.text.endswith(".")
    assert [c.index for c in chunks] == list(range(len(chunks)))
    assert min(c.token_count for c in chunks) > 100, "about equal in size"


def test_a_heading_opens_a_passage_and_names_it() -> None:
    document = _document(
        Piece("title", "Handbook", level=1),
        Piece("title", "Travel", level=2),
        Piece("text", prose("Trains are booked by the office", 12)),
        Piece("title", "Meals", level=2),
        Piece("text", prose("Lunch is paid on working days", 12)),
    )
    travel, meals = split(document)
    assert travel.heading_path == ("Handbook", "Travel")
    assert meals.heading_path == ("Handbook", "Meals")
    assert meals.text.startswith("Meals\n\nLunch")


def test_small_sections_share_a_passage() -> None:
    pieces = [
        piece
        for n in range(4)
        for piece in (Piece("title", f"Q{n}"), Piece("text", f"Answer {n}."))
    ]
    (chunk,) = split(_document(*pieces))
    assert chunk.text.count("Answer") == 4


def test_a_title_is_never_left_at_the_end_of_a_passage() -> None:
    pieces = [
        Piece("text", prose("Filler goes here", 15)),
        Piece("title", "Late"),
        Piece("text", prose("What follows the late title", 30)),
    ]
    assert not any(chunk.text.endswith("Late") for chunk in split(_document(*pieces)))


def test_pages_are_not_crossed_and_boxes_are_united() -> None:
    document = _document(
        Piece("text", "First line.", page=1, bbox=(0.1, 0.1, 0.5, 0.2)),
        Piece("text", "Second line.", page=1, bbox=(0.2, 0.3, 0.9, 0.4)),
        Piece("text", "On the next page.", page=2, bbox=(0.1, 0.1, 0.5, 0.2)),
    )
    first, second = split(document)
    assert (first.page, first.bbox) == (1, (0.1, 0.1, 0.9, 0.4))
    assert (second.page, second.text) == (2, "On the next page.")


def test_a_long_table_is_cut_between_rows_and_keeps_its_header() -> None:
    cells = [[f"Product {n}", str(n * 37), str(n * 91)] for n in range(100)]
    table = markdown([["Name", "Sold", "Left"], *cells])
    rows = table.split("\n")[2:]
    first, *rest = split(_document(Piece("table", table)))
    assert first.text.startswith("| Name | Sold | Left |\n| --- | --- | --- |\n| Product 0 |")
    assert first.context == ""
    assert rest
    for chunk in rest:
        assert chunk.context == "| Name | Sold | Left |"
        assert set(chunk.text.split("\n")) <= set(rows)
        assert embedding_text(chunk, "stock.csv").startswith("stock\nName Sold Left\nProduct ")
        assert "|" not in embedding_text(chunk, "stock.csv")


def test_rows_of_dashes_are_rows_and_not_part_of_the_head() -> None:
    table = markdown([["Name", "Sold"], *[["-", "-"]] * 2000, ["Rope", "7"]])
    first, *rest = split(_document(Piece("table", table)))
    assert first.text.startswith("| Name | Sold |\n| --- | --- |\n")
    assert rest
    assert all(chunk.context == "| Name | Sold |" for chunk in rest)
    assert max(len(chunk.text) for chunk in [first, *rest]) < 15_000
    assert rest[-1].text.endswith("| Rope | 7 |")


def test_overlap_repeats_whole_sentences_of_the_passage_before() -> None:
    document = _document(Piece("text", prose("Every sentence is counted here", 80)))
    chunks = split(document, overlap_tokens=40)
    for before, after in pairwise(chunks):
        shared = document.text[after.start : before.end]
        assert shared and after.text.startswith(shared)
        assert count_tokens(shared) <= 40
        assert after.token_count <= 200


def test_overlap_must_leave_room() -> None:
    with pytest.raises(ValueError, match="half"):
        split(_document(Piece("text", "A.")), max_tokens=100, overlap_tokens=51)


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=12))
def test_any_text_is_covered(texts: list[str]) -> None:
    document = _document(*(Piece("text", text) for text in texts))
    chunks = split(document, max_tokens=20)
    assert chunks == split(document, max_tokens=20)
    covered = "".join("".join(chunk.text.split()) for chunk in chunks)
    assert covered == "".join(document.text.split())
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text


def test_text_without_spaces_is_cut() -> None:
    document = _document(Piece("text", "東京都は日本の首都であり人口が最も多い" * 60))
    chunks = split(document)
    assert len(chunks) > 3
    assert max(chunk.token_count for chunk in chunks) <= 200


def test_the_name_and_headings_stand_before_the_passage() -> None:
    document = _document(Piece("title", "Net sales"), Piece("text", "They grew by 2 %."))
    (chunk,) = split(document)
    text = embedding_text(chunk, "2022 Q3 AAPL.pdf")
    assert text.startswith("2022 Q3 AAPL > Net sales\n")
    assert text.endswith(chunk.text)
    assert embedding_text(chunk, "Roles of p53/MDM2 vs. others").startswith(
        "Roles of p53/MDM2 vs. others > "
    )


@pytest.mark.parametrize(
    "name",
    ["84211.pdf", "2024-11-25 10_32.txt", "doc_7f3b2a90c1d24e5f8a6b", "9F86D081884C7D659A2F.pdf",
     "3f2504e0-4f89-11d3-9a0c-0305e82c3301.docx"],
)  # fmt: skip
def test_a_name_that_tells_nothing_is_found_by_but_not_embedded(name: str) -> None:
    (chunk,) = split(_document(Piece("text", "They grew by 2 %.")))
    assert embedding_text(chunk, name) == chunk.text
    assert indexed_text(chunk, name).startswith(name.rsplit(".", 1)[0])


@pytest.mark.parametrize("name", ["Q3 2022.pdf", "p53", "deadbeef", "1973 oil crisis", "ドル.txt"])
def test_any_other_name_is_embedded_and_indexed_once(name: str) -> None:
    (chunk,) = split(_document(Piece("text", "They grew by 2 %.")))
    assert embedding_text(chunk, name).startswith(name.split(".")[0])
    assert indexed_text(chunk, name) == embedding_text(chunk, name)


@pytest.mark.parametrize(
    "text",
    [
        "begins " + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 3000 + " ends",
        "begins " + "|" * 50_000 + " ends",
        "begins" + "\u00a0" * 50_000 + "ends",
        "begins e" + "\u0301" * 50_000 + " ends",
    ],
)
def test_no_passage_is_without_end(text: str) -> None:
    document = _document(Piece("text", text))
    chunks = split(document)
    assert chunks[0].text.startswith("begins")
    assert chunks[-1].text.endswith("ends")
    assert max(len(chunk.text) for chunk in chunks) <= 8000
    assert all(chunk.text.strip() == document.text[chunk.start : chunk.end] for chunk in chunks)


def test_a_base_may_say_what_opens_a_passage() -> None:
    table = markdown([["item", "price"], ["rope", "4"], ["sail", "90"], ["oar", "12"]])
    document = _document(
        Piece("title", "Prices"),
        Piece("text", "All are net."),
        Piece("title", "Goods"),
        Piece("table", table),
        Piece("text", "That is all."),
    )

    def cut(strategy: str) -> list[str]:
        return [chunk.text for chunk in split_for(document, {"strategy": strategy})]

    whole = document.text
    assert cut("auto") == cut("recursive") == cut("page") == [whole], "it is short"
    prices, goods = cut("title")
    assert (prices, goods) == ("Prices\n\nAll are net.", whole[whole.index("Goods") :])
    assert cut("table")[1:] == [
        *["Goods\n\n| item | price |\n| --- | --- |\n| rope | 4 |", "| sail | 90 |"],
        *["| oar | 12 |", "That is all."],
    ]
    oar = split_for(document, {"strategy": "table"})[3]
    assert "price" in oar.context


def test_headings_open_no_passage_where_pages_or_sizes_do() -> None:
    document = _document(
        Piece("title", "Travel"),
        Piece("text", prose("Trains are booked by the office", 7)),
        Piece("title", "Meals"),
        Piece("text", prose("Lunch is paid on working days", 7)),
    )
    assert len(split_for(document, {"strategy": "auto"})) == 2
    assert len(split_for(document, {"strategy": "page"})) == 1


def test_an_overlap_from_before_its_bound_was_checked_is_cut() -> None:
    document = _document(Piece("text", prose("The company pays for train tickets", 60)))
    assert len(split_for(document, {"maxTokens": 64, "overlapTokens": 60})) > 3

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.citations import Citation, CitationChecker
from pipelines.passages import Passage, Passages
from pipelines.support import find_support

SALES = (
    "Apple Inc. reported results.\nTotal net sales were $82,959 million, an increase of 2% "
    "compared to the prior year. Services grew faster than products. iPhone demand was strong."
)
RISKS = "The Company is exposed to currency risk. Component shortages may delay shipments."
LETTER = re.compile(r"\[\s?\^?\d{1,6}(?:\s?[,;]\s?\d{1,6})*\s?\]")


def _passages() -> Passages:
    passages = Passages()
    passages.add(
        [
            Passage("chk_1", "doc_1", "10-Q.pdf", SALES, 1000, page=4, bbox=(0, 0, 1, 0.5)),
            Passage("chk_2", "doc_2", "risks.md", RISKS, 50),
        ]
    )
    return passages


def _check(*pieces: str) -> tuple[str, list[Citation], list[str | Citation]]:
    checker = CitationChecker(_passages())
    out = [part for piece in pieces for part in checker.feed(piece)] + checker.finish()
    text = "".join(part for part in out if isinstance(part, str))
    return text, [part for part in out if isinstance(part, Citation)], out


def test_a_supported_mark_stands_and_its_quote_comes_first() -> None:
    text, citations, out = _check("Net sales were $82,959 million, up 2% [1]", ". Good.")
    assert text == "Net sales were $82,959 million, up 2% [1]. Good."
    (citation,) = citations
    assert citation.quote.startswith("Total net sales were $82,959 million")
    assert (citation.n, citation.chunk_id, citation.page) == (1, "chk_1", 4)
    begin = citation.start_offset - 1000
    assert SALES[begin : citation.end_offset - 1000] == citation.quote
    before = "".join(part for part in out[: out.index(citation)] if isinstance(part, str))
    assert "[1]" not in before


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Net sales were $82,959 million [7].", "Net sales were $82,959 million."),
        ("Net sales were $99,999 million [1].", "Net sales were $99,999 million."),
        ("Whales sing at night [1].", "Whales sing at night."),
        ("Whales sing at night  [1][2] [3] loudly", "Whales sing at night loudly"),
        ("Services grew faster than products [1, 7].", "Services grew faster than products [1]."),
        ("Services grew faster[1][2].", "Services grew faster[1]."),
        ("Currency risk exposes the Company [^2].", "Currency risk exposes the Company [2]."),
        ("See [the page](http://x) and a[i] [sic]", "See [the page](http://x) and a[i] [sic]"),
        ("[1]", ""),
        ("[12", "[12"),
        ("Whales [[7]1] sing", "Whales [(7)1] sing"),
        (
            "1. Component shortages may cause delays [2]",
            "1. Component shortages may cause delays [2]",
        ),
    ],
)
def test_marks(said: str, shown: str) -> None:
    assert _check(said)[0] == shown
    assert _check(*said)[0] == shown


def test_two_marks_in_a_row_stand_for_the_same_words() -> None:
    said = "The Company, exposed to currency risk, saw services grow faster than products [1][2]."
    text, citations, _ = _check(said)
    assert text == said
    assert [citation.n for citation in citations] == [1, 2]


@pytest.mark.parametrize(
    "code", ["```py\nx = a[7]\n```\n", "Use `a[7]` or ``b[8]``.", "- ```\n  a[9] [10]\n  ```"]
)
def test_brackets_in_code_are_left_alone(code: str) -> None:
    assert _check(code)[0] == code
    assert _check(*code)[0] == code


@pytest.mark.parametrize("said", ["A stray ` and [7].", "Or ``` inside a line [7].", "``````[7]"])
def test_a_stray_backtick_hides_no_mark(said: str) -> None:
    assert "[7]" not in _check(said)[0]
    assert "[7]" not in _check(*said)[0]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('d[1] = "a"\nd[2] = "b"\n', 'd`[1] = "a"`\nd`[2] = "b"`\n'),
        ("data = {'b': [4, 5], 'c': [7]}  ", "data = {'b': `[4, 5], 'c': [7]}`  "),
        ("So:\n\n    print(x[0], y[2])\n\nDone [7].", "So:\n\n    print(x`[0], y[2])`\n\nDone."),
        ("In `x`:\nd[1] = 2", "In `x`:\nd`[1] = 2`"),
        # Where a backtick has none that closes it, one of ours would.
        ("A stray ` here.\nd[7] = 1", "A stray ` here.\nd = 1"),
        ("``a`` and `b``c`\nd[7] = 1", "``a`` and `b``c`\nd = 1"),
        (f"d[7] = {'1 + ' * 60}1", f"d = {'1 + ' * 60}1"),
    ],
)
def test_a_line_of_code_keeps_its_brackets_and_they_are_no_marks(said: str, shown: str) -> None:
    for pieces in ([said], list(said)):
        assert _check(*pieces)[:2] == (shown, [])


def test_a_line_of_code_does_not_lend_its_backtick_to_what_comes_later() -> None:
    checker = CitationChecker(_passages())
    said = [*checker.feed("d[7] = 1"), *checker.finish(), *checker.feed("`"), *checker.finish()]
    assert said == ["d", "`[7] = 1`", " `"]


def test_words_quoted_verbatim_are_the_quote() -> None:
    _, citations, _ = _check('It says "an increase of 2% compared to the prior year" [1].')
    assert citations[0].quote == "an increase of 2% compared to the prior year"


def test_a_sentence_that_stands_as_it_is_said_is_the_quote_whatever_it_quotes_itself() -> None:
    said = "The rate is told in Note 7, “Income Taxes and Other Charges”."
    passages = Passages()
    passages.add([Passage("chk_1", "doc_1", "a.pdf", f"{said} See there.", 0)])
    checker = CitationChecker(passages)
    (citation,) = [
        each for each in (*checker.feed(f"{said} [1]"), *checker.finish())
        if isinstance(each, Citation)
    ]  # fmt: skip
    assert citation.quote == said


@pytest.mark.parametrize("rule", ["| --- | --- | --- |", "|---|--:|--:|", "|\t-\t|\t-\t|\t-\t|"])
def test_of_a_table_the_row_that_bears_a_claim_out_is_the_quote(rule: str) -> None:
    table = (
        f"Sales were as follows:\n\n|  | July 1, 2023 | July 1, 2022 |\n{rule}\n"
        "| Phones | $ 39,669 | $ 40,665 |\n| Tablets | 5,791 | 7,224 |"
    )
    span = find_support("Sales of tablets were 5,791 on July 1, 2023.", table)
    assert span is not None
    assert table[span.start : span.end] == "| Tablets | 5,791 | 7,224 |"


def test_text_without_brackets_is_not_held_back() -> None:
    checker = CitationChecker(_passages())
    assert checker.feed("Net sales ") == ["Net sales"]
    assert checker.feed("were") == [" were"]
    assert checker.feed(" high [") == [" high"]
    assert checker.feed("see") == [" [see"]


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["[1]", "[2]", "[7]", "[1, 2]", "[", "]", "1", " ", "`", "```", "\n", "^", ",", "[^1]"]
        ),
        st.sampled_from(["Net sales were $82,959 million", "currency risk exposes the Company. "]),
        st.text(alphabet="ab [1]`\n,;^7(", max_size=6),
    ),
    max_size=25,
)


@given(PIECES)
def test_the_chunking_of_an_answer_changes_nothing(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert _check(*pieces)[:2] == _check(whole)[:2] == _check(*whole)[:2]


@given(PIECES)
def test_every_mark_outside_code_was_checked_before_it_was_shown(pieces: list[str]) -> None:
    _, _, out = _check(*pieces)
    passages = {"chk_1": (SALES, 1000), "chk_2": (RISKS, 50)}
    seen: set[int] = set()
    shown = ""
    for part in out:
        if isinstance(part, str):
            shown += part
            continue
        text, offset = passages[part.chunk_id]
        assert part.quote
        assert text[part.start_offset - offset : part.end_offset - offset] == part.quote
        seen.add(part.n)
    if "`" not in shown:
        for mark in LETTER.findall(shown):
            assert {int(n) for n in re.findall(r"\d+", mark)} <= seen


@given(st.text(alphabet="ab c.\n()", max_size=80))
def test_text_without_marks_comes_through_unchanged(text: str) -> None:
    assert _check(*text)[0] == text

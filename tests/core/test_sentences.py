from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sentences import sentences


def _split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        [
            "Dr. J. Smith of Apple Inc. said so.",
            "Sales rose 3.5% to $82.9 billion vs. $81 billion.",
        ],
        ["It fell in the U.S. Treasury market.", "See Fig. 3 and No. 5.", "Say no.", "Then go."],
        ["It is Apple Inc.", "The company grew in the U.S.", "They did."],
        ['"Is it?"', "He left...", "“No!”", "(Maybe.)", "Yes"],
        ["Er kam z.B. nicht.", "Élan vital.", "Это так."],
        ["He said e.g. this, i.e. that.", "Vitamin C.", "It helps."],
    ],
)
def test_abbreviations_and_numbers_end_no_sentence(expected: list[str]) -> None:
    assert _split(" ".join(expected)) == expected


def test_scripts_without_spaces() -> None:
    assert _split("今日は。「明日は！」次。") == ["今日は。", "「明日は！」", "次。"]
    assert _split("यह है। वह है।") == ["यह है।", "वह है।"]


def test_blank_lines_and_list_items_end_a_sentence_but_wrapped_lines_do_not() -> None:
    assert _split("A title\n\nwrapped\nline. Next:\n- one\n- two\n2. three") == [
        "A title", "wrapped\nline.", "Next:", "- one", "- two", "2. three",
    ]  # fmt: skip


def test_lines_under_labels_are_apart_but_a_colon_alone_ends_no_line() -> None:
    lines = ["Name of the skipper: Ada Lovelace", "Length: 9.2 m Draught: 1.85 m", "Harbour: Kiel"]
    assert _split("\n".join(lines)) == lines
    for prose in ("He came for two\nReasons: the sea and\nthe boat.", "See\nhttps://x.example: y"):
        assert _split(prose) == [prose]


def test_a_table_is_cut_at_its_lines() -> None:
    rows = [f"Region {n}   {n * 1000}   {n * 7}" for n in range(40)]
    assert _split("\n".join(rows)) == rows


@given(st.text(alphabet=st.sampled_from("Aab1.!?…\"'’) \n\t。！।-•(no"), max_size=300))
def test_spans_are_ordered_trimmed_and_lose_only_blanks(text: str) -> None:
    position = 0
    for start, end in sentences(text):
        assert not text[position:start].strip()
        assert start < end
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()

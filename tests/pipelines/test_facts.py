"""Figures and names of a text."""

from __future__ import annotations

from pipelines.facts import figures, names


def test_dates_and_numbers_of_pages_are_no_figures() -> None:
    text = "On June 25, 2022 (Form 10-Q, Item 7A, Note 12) sales were $82,959 million, up 2 %, 1.5."
    assert figures(text) == {"82959", "2", "1.5"}
    assert figures("Page 19, 20 and 21 in 2023") == set()


def test_names_are_words_in_capitals_within_a_sentence() -> None:
    assert names("The suit of Epic Games was heard. Nobody won.") == {"Epic Games"}
    assert names("It fell in the Three Months Ended June 25 under Item 3 of Part II.") == set()

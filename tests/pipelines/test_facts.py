"""Figures and names of a text."""

from __future__ import annotations

from pipelines.facts import figures, names


def test_figures_of_text_leave_out_dates() -> None:
    text = "On June 25, 2022 sales were $82,959 million, up 2 %, 1.5."
    assert figures(text) == {"82959", "2", "1.5"}
    assert figures("From 19 to 21 in 2023") == set()


def test_names_of_text_are_words_in_capitals_within_a_sentence() -> None:
    assert names("The suit of Epic Games was heard. Nobody won.") == {"Epic Games"}
    assert names("It fell from June to October.") == set()

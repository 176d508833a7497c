"""Word error rate, by examples whose edits can be counted by hand."""

from __future__ import annotations

import pytest

from evals.word_errors import word_errors, words_of


@pytest.mark.parametrize(
    ("expected", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b c", "a b b c", 1),
        ("a b c", "", 3),
        ("", "a", 1),
        ("four queen of clubs", "4 Queen of Cloves.", 1),
        ("mister dashwood", "Mr. Dashwood", 0),
        ("cold hearted", "cold-hearted,", 0),
    ],
)
def test_the_least_number_of_edits(expected: str, heard: str, errors: int) -> None:
    assert word_errors(words_of(expected), words_of(heard)) == errors

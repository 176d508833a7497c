"""What answers are worth by rule."""

from __future__ import annotations

import pytest

from copilot.offline import ABSTENTION, UNSURE
from evals.answer_measures import declines, figures, measures, says
from evals.cases import Question

ASKED = Question("q1", "What was the profit?", "It was $1,250 million after tax.", frozenset("ab"))
NOBODY = Question("q2", "Who wrote the anthem?", "", frozenset())


def _cited(name: str, quote: str) -> dict[str, str]:
    return {"documentName": name, "quote": quote}


def test_an_answer_is_measured_by_what_it_says_and_by_what_it_cites() -> None:
    said = "The profit was 1,250 million. [1]\nRent fell. [2]\nSo it goes."
    cited = [_cited("a", "a profit of 1250"), _cited("c", "Rent fell by 1,250.")]
    found = measures([(ASKED, said, cited), (NOBODY, ABSTENTION, [])])
    assert found == {
        "answered": {"right": 1, "of": 1},
        "outright": {"right": 1, "of": 1},
        "correct": {"right": 1, "of": 1},
        "goldCited": {"right": 1, "of": 2},
        "citesGold": {"right": 0, "of": 1},
        "quotesFigure": {"right": 1, "of": 1},
        "precise": {"right": 1, "of": 2},
        "grounded": {"right": 2, "of": 3},
        "declined": {"right": 1, "of": 1},
    }


def test_what_was_not_asked_is_not_measured() -> None:
    assert measures([(NOBODY, "Matthías Jochumsson. [1]", [_cited("a", "it")])]) == {
        "grounded": {"right": 1, "of": 1},
        "declined": {"right": 0, "of": 1},
    }
    assert measures([]) == {}


@pytest.mark.parametrize(
    ("said", "is_declined"),
    [
        (ABSTENTION, True),
        (UNSURE, True),
        ("I couldn’t find it in the documents.", True),
        ("It could be found on page 3. [1]", False),
    ],
)
def test_who_says_that_nothing_was_found_declines(said: str, is_declined: bool) -> None:
    assert declines(said) is is_declined


def test_a_gold_answer_without_figures_is_said_by_half_of_its_words() -> None:
    asked = Question("q", "Why did sales fall?", "A wet spring and a strike.", frozenset("a"))
    assert says(asked, "Sales fell after the wet spring.")
    assert not says(asked, "Sales fell and fell after rain.")


def test_years_and_single_digits_are_no_figures() -> None:
    assert figures("In 2023, 7 of 1,250 and 14.7%") == {"1250", "14.7"}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("See the 10-K and Form 1040, RFC 2046.", set()),
        ("As of September 30, 2022, and 31 Dec. 1893", set()),
        ("In 2021-22 it was 2,023 units", {"2023"}),
        ("FY2023: $2,010.5 million of FY24", {"2010.5"}),
        ("Form F-12 costs 45 euros", {"45"}),
    ],
)
def test_figures_of_dates_and_forms_are_not_counted(text: str, numbers: set[str]) -> None:
    assert figures(text) == numbers

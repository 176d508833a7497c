"""What answers are worth by rule."""

from __future__ import annotations

import pytest

from copilot.offline import ABSTENTION, NOTICE, UNSURE
from evals.answer_measures import declines, figures, measures, says
from evals.cases import Question

ASKED = Question("q1", "What was the profit?", "It was $1,250 million after tax.", frozenset("ab"))
NOBODY = Question("q2", "Who wrote the anthem?", "", frozenset())


def _cited(name: str, quote: str) -> dict[str, str]:
    return {"documentName": name, "quote": quote}


def test_an_answer_is_measured_by_what_it_says_and_by_what_it_cites() -> None:
    said = f"The profit was 1,250 million. [1]\nRent fell. [2]\nSo it goes.\n\n{NOTICE}"
    cited = [_cited("a", "a profit of 1250"), _cited("c", "Rent fell by 1,250.")]
    found = measures([(ASKED, said, cited), (NOBODY, f"{ABSTENTION}\n\n{NOTICE}", [])])
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

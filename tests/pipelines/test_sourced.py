"""Points that name the passages they rest on."""

from __future__ import annotations

import pytest

from pipelines.facts import figures, names, shares_figure, shares_name
from pipelines.passages import Passage, Passages
from pipelines.sourced import Sourced

ROW = "| Rent | $ 1,200 | $ 1,100 |"
SHOWN = "Costs [3]. Rent: Q3 2022 $ 1,200; Q3 2021 $ 1,100"


def _said(point: str, near: float = 1.0, question: str = "", shown: str = SHOWN) -> str:
    passages = Passages()
    passages.add([Passage("c", "d", "2022 Q3.pdf", ROW, 0, shown=shown, near=near)])
    sourced = Sourced(passages, question, {"TOKEN": "1,100"})
    return sourced.begin(1) + "".join(map(sourced.feed, point)) + sourced.finish()


def test_a_point_is_held_until_it_is_whole() -> None:
    passages = Passages()
    passages.add([Passage("c", "d", "a.pdf", "Rent is 1,200.", 0)])
    sourced = Sourced(passages, "")
    assert sourced.feed("Hello.") == "Hello."
    assert sourced.begin(1) == ""
    assert sourced.feed("Rent is ") == ""
    assert sourced.feed("1,200.") == ""
    assert sourced.begin(0) == "Rent is 1,200. [1]"
    assert sourced.feed("Bye.") == ""
    assert sourced.finish() == " Bye."


def test_a_figure_that_is_not_there_gives_way_to_the_passage_with_secrets_hidden() -> None:
    assert _said("Rent was $1,300.") == (
        "Costs (3). Rent: Q3 2022 $ 1,200; Q3 2021 $ {{TOKEN}} [1]"
    )
    assert _said("Rent was $1200 in Q3 2022.") == "Rent was $1200 in Q3 2022. [1]"
    assert _said("Rent was $1,200 for 9 shops.", question="For 9 shops?").endswith("shops. [1]")


@pytest.mark.parametrize(
    ("near", "point", "is_cited"),
    [
        (0.3, "Rent was $1,200.", False),
        (0.48, "Rent was $1,200.", True),
        (0.48, "It was for Rent.", False),
        (0.51, "It was for Rent.", True),
        (0.5, "Rent was paid.", False),
        (0.6, "Rent was paid.", True),
    ],
)
def test_what_only_touches_on_the_question_is_not_cited(
    near: float, point: str, is_cited: bool
) -> None:
    assert _said(point, near) == (f"{point} [1]" if is_cited else point)


def test_dates_and_numbers_of_pages_are_no_figures() -> None:
    text = "On June 25, 2022 (Form 10-Q, Item 7A, Note 12) sales were $82,959 million, up 2 %, 1.5."
    assert figures(text) == {"82959", "2", "1.5"}
    assert figures("Page 19, 20 and 21 in 2023") == set()


def test_names_are_words_in_capitals_within_a_sentence() -> None:
    assert names("The suit of Epic Games was heard. Nobody won.") == {"Epic Games"}
    assert names("It fell in the Three Months Ended June 25 under Item 3 of Part II.") == set()
    assert shares_name("It was Epic Games.", "Epic Games filed a suit.")
    assert not shares_name("It was Epic Games.", "Epic Games filed a suit.", "Who are Epic Games?")
    assert shares_figure("It was 5 %.", "5 % of all")
    assert not shares_figure("It was 5 %.", "5 % of all", "Why 5 %?")
    assert not shares_figure("It was 5 %.", "It was 6 %.")

"""Points that name the passages they rest on."""

from __future__ import annotations

import pytest

from pipelines.narrowing import ANSWERING, CITED
from pipelines.passages import Passage, Passages
from pipelines.sourced import UNCITED, Sourced

ROW = "| Rent | $ 1,200 | $ 1,100 |"
OPENED = "The harbour opened in 1893."
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


def test_a_point_loses_its_own_marks_and_no_index() -> None:
    assert _said("Rent was paid [7].", 0.1) == "Rent was paid."
    assert _said("Rent is `costs[1]`.", 0.1, "What is 1?") == "Rent is `costs[1]`."
    assert _said("rent = costs[1]", 0.1, "What is 1?") == "rent = costs[1]"


def test_what_only_touches_on_the_question_is_not_cited() -> None:
    assert _said("Rent was paid.", CITED) == "Rent was paid. [1]"
    assert _said("Rent was paid.", CITED - 0.01) == "Rent was paid."


def test_words_taken_over_are_cited_whatever_number_was_given() -> None:
    passages = Passages()
    said = "The harbour opened in 1893."
    passages.add([Passage("c", "d", "a.pdf", said, 0, near=0.8)])
    passages.add([Passage("e", "d", "a.pdf", "Gulls nest on the pier.", 0, near=0.9)])
    for number in (0, 2):
        sourced = Sourced(passages, "When did it open?")
        assert sourced.begin(number) + sourced.feed(said) == ""
        assert sourced.finish() == f"{said} [1]"


def test_a_figure_without_a_source_gives_way_to_the_nearest_passage_if_one_is_near() -> None:
    passages = Passages()
    passages.add([Passage("c", "d", "a.pdf", OPENED, 0, shown=OPENED, near=ANSWERING)])
    sourced = Sourced(passages, "When did it open?")
    assert sourced.begin(0) + sourced.feed("It opened in 1894.") == ""
    assert sourced.finish() == OPENED
    far = Passages()
    far.add([Passage("c", "d", "a.pdf", OPENED, 0, shown=OPENED, near=0.2)])
    sourced = Sourced(far, "What is 17 times 3?")
    assert sourced.begin(0) + sourced.feed("It is 51.") + sourced.finish() == "It is 51."


def test_an_answer_without_a_citation_says_so_once_and_none_without_passages() -> None:
    passages = Passages()
    passages.add([Passage("c", "d", "a.pdf", "Gulls nest on the pier.", 0, near=0.2)])
    sourced = Sourced(passages, "Who was first?")
    assert sourced.begin(1) + sourced.feed("Nobody was.") == ""
    assert sourced.end() == f"Nobody was.\n\n{UNCITED}"
    assert sourced.begin(1) + sourced.feed("I mean it.") + sourced.end() == " I mean it."
    plain = Sourced(Passages(), "Who was first?")
    assert plain.begin(0) + plain.feed("Nobody was.") + plain.end() == "Nobody was."
    assert Sourced(passages, "Hello").end() == ""


def _said_freely(text: str) -> str:
    passages = Passages()
    games = "Ann won 3 games in May. Bo lost 5 games in June. The hall was painted green."
    passages.add([Passage("c", "d", "a.txt", games, 0, near=0.2)])
    sourced = Sourced(passages, "How was it?", is_marked=True)
    return "".join(map(sourced.feed, text)) + sourced.end()


@pytest.mark.parametrize(
    "sentence",
    [
        "In June 5 games were lost by Bo.",
        "The hall was painted green.",
        "It was Ann who won 3 games.",
    ],
)
def test_what_words_of_a_whole_text_say_is_cited(sentence: str) -> None:
    assert _said_freely(f"{sentence} Nice!") == f"{sentence} [1] Nice!"


@pytest.mark.parametrize(
    "sentence",
    [
        "The winner of 5 games was Ann.",  # the figure is said of somebody else
        "Bo lost 4 games in June.",
        "A hall in June should be lost in thought, warm and dry.",  # its words stand here and there
        "That makes 8 games.",
    ],
)
def test_what_only_shares_words_with_a_whole_text_is_not(sentence: str) -> None:
    assert _said_freely(sentence) == f"{sentence}\n\n{UNCITED}"

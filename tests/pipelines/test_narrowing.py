"""What a small model is given of the passages found."""

from __future__ import annotations

from core.models.room import SMALL
from pipelines.narrowing import ANSWERING, add, narrowed
from pipelines.passages import Passage, Passages, render
from tests.pipelines.test_statements import REPORT


def _passage(name: str, text: str, at: int = 0) -> Passage:
    return Passage(f"chk_{name}", f"doc_{name}", name, text, at, page=3)


async def test_the_nearest_statements_become_passages_of_their_own() -> None:
    filler = "The harbour opened in 1893. Seagulls nest on the northern pier. " * 100
    passages = Passages(SMALL)
    found = await add(
        "How high was research and development?",
        [_passage("a.pdf", REPORT, 100), _passage("b.pdf", filler)],
        passages,
    )
    row = next(each for each in found if "6,797" in each.text)
    assert len(found) <= SMALL.statements
    assert [each.n for each in found] == list(range(1, len(found) + 1))
    assert row.text == REPORT.strip()  # a table is quoted whole, with what stands around it
    assert REPORT[row.start_offset - 100 :].startswith(row.text)
    assert found[0].worth == max(each.worth for each in found)
    assert "Research and development: Q3 2022 $ 6,797; Q3 2021 $ 5,717" in render(found)


async def test_a_model_with_room_is_given_whole_passages() -> None:
    passages = Passages()
    (found,) = await add("How high was research?", [_passage("a.pdf", REPORT)], passages)
    assert found.text == REPORT


async def test_what_is_short_is_given_whole_with_its_nearness_to_the_question() -> None:
    table = "| Name | Wins |\n| Ann | 3 |\n| Bo | 5 |\n| Cy | 4 |"
    found = await add(
        "How many wins has Bo?",
        [_passage("a.txt", table), _passage("b.txt", "Gulls nest on the pier.")],
        Passages(SMALL),
    )
    assert [(each.text, each.is_statement) for each in found] == [
        (table, False),
        ("Gulls nest on the pier.", False),
    ]
    assert found[0].near > ANSWERING > found[1].near


async def test_of_as_many_as_a_search_brings_only_statements_are_given() -> None:
    of = [_passage(f"{n}.txt", f"Shed {n} has {n} doors.") for n in range(SMALL.passages)]
    found = await add("How many doors has shed 3?", of, Passages(SMALL))
    assert all(each.is_statement for each in found)


async def test_what_stands_around_a_statement_is_quoted_as_far_as_it_is_readable() -> None:
    before, after = "Before it. " * 40, "After it. " * 100
    text = f"{before}The tax rate was 14.7 percent. {after}"
    (found,) = await narrowed("What was the tax rate?", [_passage("a.pdf", text, 7)], 1)
    assert found.shown == "The tax rate was 14.7 percent."
    assert found.shown in found.text
    assert 850 < len(found.text) <= 900
    assert found.text.startswith("Before it.")
    assert found.text.endswith("After it.")
    assert text[found.start_offset - 7 :].startswith(found.text)


async def test_two_statements_of_one_paragraph_are_two_to_choose_from() -> None:
    text = "The tax rate was 14.7 percent. The tax was paid in three parts."
    found = await narrowed("What was the tax?", [_passage("a.pdf", text)], 2)
    assert [each.n for each in Passages(SMALL).add(found)] == [1, 2]
    assert {each.text for each in found} == {text}


async def test_narrowed_ranks_by_nearness_whatever_figures_a_statement_has() -> None:
    text = "The gross margin rose with the price of fish. In 1893 it rained on 4,512 gulls."
    found = await narrowed("Why did the gross margin rise?", [_passage("a.pdf", text)], 2)
    assert found[0].shown == "The gross margin rose with the price of fish."
    assert [each.gain for each in found] == [0, 0]


async def test_narrowed_of_a_series_puts_the_time_asked_for_first_and_keeps_the_rest() -> None:
    says = "Our tax rate was {} percent in the quarter, as it was before."
    of = [_passage(f"2022 Q{n} A.pdf", says.format(10 * n + 7)) for n in (1, 2, 3)]
    found = await narrowed("What was the tax rate in Q2 2022?", of, 9)
    assert found[0].document_name == "2022 Q2 A.pdf"
    assert len(found) == 3

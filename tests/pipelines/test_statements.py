"""What passages say piece by piece, and what of it is offered to a small model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.models.room import SMALL
from pipelines.passages import Passage, Passages, render
from pipelines.statements import LONGEST, add, narrowed, statements

REPORT = """\
Operating Expenses

Operating expenses were as follows (in millions):

|  | Q3 2022 | Q3 2021 |
| --- | --- | --- |
| Research and development | $ 6,797 | $ 5,717 |
| Other: |
| Rent | 12 | 11 |

Research grew since more people were hired. See the notes.
"""


def _passage(name: str, text: str, at: int = 0) -> Passage:
    return Passage(f"chk_{name}", f"doc_{name}", name, text, at, page=3)


def test_a_row_is_told_under_its_columns_and_headings() -> None:
    found = {each.text: each for each in statements(REPORT)}
    row = found["Research and development: Q3 2022 $ 6,797; Q3 2021 $ 5,717"]
    assert row.heading == "Operating Expenses. Operating expenses were as follows (in millions)"
    quoted = REPORT[row.start : row.end]
    assert quoted.startswith("|  | Q3 2022 | Q3 2021 |\n")
    assert quoted.endswith("\n| Research and development | $ 6,797 | $ 5,717 |")
    assert found["Rent: Q3 2022 12; Q3 2021 11"].heading.endswith(". Other")
    assert "Research grew since more people were hired." in found


def test_a_row_far_from_its_columns_is_quoted_alone() -> None:
    table = "| a | b |\n|---|---|\n" + "".join(f"| row {n} | {n} |\n" for n in range(60))
    *_, last = statements(table)
    assert table[last.start : last.end] == "| row 59 | 59 |"
    assert last.text == "row 59: b 59"


@given(st.text(alphabet="ab1 |-:.\n#é漢", max_size=600))
def test_every_statement_stands_where_it_says(text: str) -> None:
    for each in statements(text):
        assert 0 <= each.start < each.end <= len(text)
        assert each.end - each.start <= LONGEST
        assert text[each.start : each.end].strip()


async def test_the_nearest_statements_become_passages_of_their_own() -> None:
    filler = "The harbour opened in 1893. Seagulls nest on the northern pier."
    passages = Passages(SMALL)
    found = await add(
        "How high was research and development?",
        [_passage("a.pdf", REPORT, 100), _passage("b.pdf", filler)],
        passages,
    )
    row = next(each for each in found if "6,797" in each.text)
    assert len(found) <= SMALL.statements
    assert [each.n for each in found] == list(range(1, len(found) + 1))
    assert row.text.endswith("| Research and development | $ 6,797 | $ 5,717 |")
    assert REPORT[row.start_offset - 100 :].startswith(row.text)
    assert found[0].near == max(each.near for each in found)
    assert "Research and development: Q3 2022 $ 6,797; Q3 2021 $ 5,717" in render(found)


async def test_a_model_with_room_is_given_whole_passages() -> None:
    passages = Passages()
    (found,) = await add("How high was research?", [_passage("a.pdf", REPORT)], passages)
    assert found.text == REPORT


async def test_documents_unlike_the_best_are_left_out_unless_only_their_time_differs() -> None:
    says = "Our tax rate was {} percent in the quarter, as it was before."
    names = ["2023 Q1 A.pdf", "2023 Q2 A.pdf", "2023 Q3 A.pdf", "2023 Q1 B.pdf", "2022 Q3 A.pdf"]
    of = [_passage(name, says.format(n)) for n, name in enumerate(names, 10)]
    found = await narrowed("What was the tax rate?", of, 9)
    assert {each.document_name for each in found} == set(names) - {"2023 Q1 B.pdf"}


async def test_words_that_only_say_which_document_make_nothing_near() -> None:
    text = "I have read this quarterly report. The gross margin was 44.5 percent of net sales."
    found = await narrowed(
        "What was the gross margin in the latest quarterly report?", [_passage("a.pdf", text)], 2
    )
    assert found[0].text == "The gross margin was 44.5 percent of net sales."

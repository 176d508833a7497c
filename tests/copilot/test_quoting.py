"""What the offline answerer quotes, and whether it takes it for an answer."""

from __future__ import annotations

import csv
import gzip
import json
import random
from pathlib import Path

import pytest

from copilot.quoting import Quote, find_quotes
from pipelines.passages import Passage

TAX = "The tax rate was {} percent in the quarter."


def _passages(*named: tuple[str, str]) -> list[Passage]:
    return [Passage("", "", name, text, 0, n=n) for n, (name, text) in enumerate(named, 1)]


def _series(*quarters: str) -> list[Passage]:
    return _passages(*((f"{each} A.pdf", TAX.format(n)) for n, each in enumerate(quarters, 20)))


def _names(quotes: list[Quote]) -> list[str]:
    return [quote.document_name for quote in quotes]


async def test_each_report_of_a_series_has_its_say_oldest_first() -> None:
    quotes = await find_quotes("How has the tax rate changed?", _series("2023 Q1", "2022 Q3"))
    assert _names(quotes) == ["2022 Q3 A.pdf", "2023 Q1 A.pdf"]
    assert [quote.text for quote in quotes] == [TAX.format(21), TAX.format(20)]


async def test_no_more_than_four_reports_are_quoted() -> None:
    quarters = [f"202{year} Q{quarter}" for year in (1, 2) for quarter in (1, 2, 3, 4)]
    assert len(await find_quotes("How has the tax rate changed?", _series(*quarters))) == 4


async def test_a_report_of_another_time_than_was_asked_for_is_not_quoted() -> None:
    of = _series("2022 Q1", "2022 Q2", "2022 Q3")
    second = await find_quotes("What was the tax rate in Q2 2022?", of)
    latest = await find_quotes("What was the tax rate in the latest report?", of)
    assert (_names(second), _names(latest)) == (["2022 Q2 A.pdf"], ["2022 Q3 A.pdf"])


async def test_what_was_said_at_another_time_than_was_asked_for_is_no_sure_answer() -> None:
    asked = "What was the tax rate in Q4 2019?"
    quotes = await find_quotes(asked, _series("2022 Q1", "2022 Q2"))
    assert len(quotes) == 2
    assert not any(quote.is_sure for quote in quotes)
    assert all(quote.is_sure for quote in await find_quotes(asked, _series("2019 Q4")))


async def test_find_quotes_of_a_question_in_any_capitals_judges_alike() -> None:
    of = _passages(("a.txt", "Both firms paid taxes of 14 percent on their fish."))
    for asked in ("What taxes did firms pay on fish?", "What Taxes did Firms pay on Fish in June?"):
        (quote,) = await find_quotes(asked, of)
        assert quote.is_sure


async def test_of_equal_statements_that_of_the_better_passage_is_quoted() -> None:
    said = "Receipts must be kept for ten years."
    (quote,) = await find_quotes("How long are receipts kept?", _passages(("a", said), ("b", said)))
    assert quote.n == 1


async def test_a_bullet_is_no_part_of_what_is_said() -> None:
    text = "• Research grew by 4 percent.\n• Rent fell."
    (quote, *_) = await find_quotes("By how much did research grow?", _passages(("a", text)))
    assert quote.text == "Research grew by 4 percent."


async def test_nothing_is_quoted_that_has_nothing_to_do_with_the_question() -> None:
    of = _passages(("a", "Lunch is served at noon."), ("b", "Gulls nest on the pier."))
    assert await find_quotes("Which enzyme splits lactose?", of) == []
    assert await find_quotes("Which enzyme splits lactose?", []) == []


@pytest.mark.shared_data
async def test_questions_of_squad(shared_data: Path) -> None:
    """Most answers stand in what is quoted; of unrelated paragraphs nothing is."""
    folder = shared_data / "retrieval" / "squad_xquad"
    with gzip.open(folder / "corpus.jsonl.gz", "rt") as lines:
        texts = {doc["_id"]: doc["text"] for doc in map(json.loads, lines)}
    questions = {q["_id"]: q["text"] for q in _lines(folder / "queries.jsonl")}
    answers = {a["_id"]: a["answers"] for a in _lines(folder / "answers.jsonl")}
    with (folder / "qrels" / "dev.tsv").open() as rows:
        gold = {row["query-id"]: row["corpus-id"] for row in csv.DictReader(rows, delimiter="\t")}
    chance = random.Random(5)
    answered = declined = 0
    for query in chance.sample(sorted(gold), 12):
        others = [(doc, texts[doc]) for doc in chance.sample(sorted(texts), 5)]
        of = _passages((gold[query], texts[gold[query]]), *others)
        quotes = await find_quotes(questions[query], of)
        answered += any(word in quote.text for quote in quotes for word in answers[query])
        declined += not any(q.is_sure for q in await find_quotes(questions[query], of[1:]))
    assert answered >= 9
    assert declined >= 11


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

from __future__ import annotations

import pytest

from pipelines.search.periods import Period, asked_time, dated


@pytest.mark.parametrize(
    ("question", "periods"),
    [
        ("How did sales do in Q3 2022?", {(2022, "quarter", 3)}),
        ("In the second quarter of 2023, what drove it?", {(2023, "quarter", 2)}),
        ("the third fiscal quarter of fiscal year 2021", {(2021, "quarter", 3)}),
        ("2023 Q1 against 2022-Q4", {(2023, "quarter", 1), (2022, "quarter", 4)}),
        ("guidance for 2Q23 and Q4'22", {(2023, "quarter", 2), (2022, "quarter", 4)}),
        ("Umsatz im 3. Quartal 2022", {(2022, "quarter", 3)}),
        ("minutes of March 2024", {(2024, "month", 3)}),
        ("what was agreed on June 5, 2024?", {(2024, "month", 6)}),
        ("the log of 2024-03-17", {(2024, "month", 3)}),
        ("What happened in 1973?", set()),
        ("Is Q10 a vitamin? See 12q2022", set()),
        ("version 2024.14", set()),
    ],
)
def test_periods_of_a_question(question: str, periods: set[Period]) -> None:
    assert asked_time(question).periods == periods


@pytest.mark.parametrize(
    ("name", "series", "period"),
    [
        ("2022 Q3 AAPL.pdf", "aapl pdf", (2022, "quarter", 3)),
        ("AAPL_Q3_2022.pdf", "aapl pdf", (2022, "quarter", 3)),
        ("minutes 2024-03-17.md", "minutes md", (2024, "month", 3)),
        ("Report 2024 Skerra", "report skerra", (2024, "year", 0)),
        ("handbook.pdf", "handbook.pdf", None),
    ],
)
def test_a_name_has_a_series_and_a_time(name: str, series: str, period: Period | None) -> None:
    assert dated(name) == (series, period)


NAMES = {
    "a": "2022 Q3 AAPL.pdf",
    "b": "2023 Q1 AAPL.pdf",
    "c": "2023 Q2 MSFT.pdf",
    "d": "handbook.pdf",
    "e": "Report 2021.pdf",
    "f": "Report 2022.pdf",
}


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("sales of Q1 2023", {"a", "c"}),
        ("sales of Q1 2023 and Q3 2022", {"c"}),
        ("sales of May 2023", set()),
        ("the latest sales of Apple", {"a", "e"}),
        ("sales of 2021", {"f"}),
        ("sales from 2021 to 2022", set()),
        ("sales of 2023", set()),
        ("sales", set()),
        ("the latest sales up to Q3 2022", {"b", "c"}),
        ("sales of Q1 2023 over those of 2021", {"a", "c"}),
    ],
)
def test_documents_of_another_time_are_told(question: str, missing: set[str]) -> None:
    assert asked_time(question).misses(NAMES) == missing

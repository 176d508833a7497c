"""Times in questions and names: what is asked for is found, and nothing else is removed."""

from __future__ import annotations

import time

import pytest

from pipelines.search.periods import AskedTime, Period, asked_time, dated
from pipelines.search.ranking import document_evidence


def _month(text: str) -> int:
    year, month = text.split("-")
    return 12 * int(year) + int(month) - 1


def _series() -> dict[str, Period]:
    """Return three series of dated documents: their names, and their first and last months."""
    names: dict[str, Period] = {}
    for year in (2021, 2022, 2023):
        for quarter in range(4):
            first = 12 * year + 3 * quarter
            names[f"Harbour report {year} Q{quarter + 1}.pdf"] = (first, first + 2)
        for month in range(12):
            names[f"Council minutes {year}-{month + 1:02}.md"] = (12 * year + month,) * 2
    for year in (2020, 2021, 2022, 2023):
        for half in (0, 1):
            first = 12 * year + 6 * half
            names[f"Halbjahresbericht H{half + 1} {year}.docx"] = (first, first + 5)
    return names


SERIES = _series()
QUESTIONS = [  # the first and the last month that is asked for; none where there is no end
    ("How have dues developed since Q3 2022?", "2022-07", None),
    ("Which berths were closed from Q1 to Q4 2022?", "2022-01", "2022-12"),
    ("What was spent from Q2 2021 to Q1 2022?", "2021-04", "2022-03"),
    ("What was decided before March 2022?", None, "2022-02"),
    ("What was decided prior to 2022?", None, "2021-12"),
    ("Fees until June 2022", None, "2022-06"),
    ("Fees up to and including Q2 2022", None, "2022-06"),
    ("Fees through the end of 2021", None, "2021-12"),
    ("Accidents after the first half of 2022", "2022-07", None),
    ("Accidents after Q1 2023", "2023-04", None),
    ("Dredging between 2021 and 2022", "2021-01", "2022-12"),
    ("Dredging between Q2 and Q4 of 2022", "2022-04", "2022-12"),
    ("Dredging between March 2022 and May 2023", "2022-03", "2023-05"),
    ("Staff 2021-2022", "2021-01", "2022-12"),
    ("Staff 2021–2023", "2021-01", "2023-12"),
    ("Staff in the first half of 2023", "2023-01", "2023-06"),
    ("Staff in H2 2021", "2021-07", "2021-12"),
    ("Staff in 2H22", "2022-07", "2022-12"),
    ("Income of the third quarter of 2022", "2022-07", "2022-09"),
    ("Income of the 4th fiscal quarter of fiscal year 2021", "2021-10", "2021-12"),
    ("Income in 3Q22", "2022-07", "2022-09"),
    ("Income in Q4'21", "2021-10", "2021-12"),
    ("Income in 2022Q2", "2022-04", "2022-06"),
    ("Who spoke on June 5, 2022?", "2022-06", "2022-06"),
    ("Who spoke on 5 June 2022?", "2022-06", "2022-06"),
    ("What happened on 2022-03-17?", "2022-03", "2022-03"),
    ("What happened in 2022-11?", "2022-11", "2022-11"),
    ("Events of 2021", "2021-01", "2021-12"),
    ("Events from January to March 2023", "2023-01", "2023-03"),
    ("Events starting in October 2022", "2022-10", None),
    ("Umsatz seit dem dritten Quartal 2022", "2022-07", None),
    ("Umsatz im 3. Quartal 2022", "2022-07", "2022-09"),
    ("Umsatz im ersten Halbjahr 2022", "2022-01", "2022-06"),
    ("Umsatz im 2. Halbjahr 2021", "2021-07", "2021-12"),
    ("Umsatz vor März 2022", None, "2022-02"),
    ("Umsatz bis Juni 2022", None, "2022-06"),
    ("Umsatz nach Oktober 2022", "2022-11", None),
    ("Umsatz zwischen Januar und Mai 2023", "2023-01", "2023-05"),
    ("Umsatz von Dezember 2021 bis Februar 2022", "2021-12", "2022-02"),
    ("Was geschah am 17.03.2023?", "2023-03", "2023-03"),
    ("Was geschah am 3. Juli 2022?", "2022-07", "2022-07"),
    ("Recettes depuis le troisième trimestre 2022", "2022-07", None),
    ("Recettes du premier semestre 2022", "2022-01", "2022-06"),
    ("Recettes avant mars 2022", None, "2022-02"),
    ("Recettes de janvier à mars 2023", "2023-01", "2023-03"),
    ("Recettes jusqu'à août 2022", None, "2022-08"),
    ("Recettes après décembre 2022", "2023-01", None),
    ("Recettes entre février et avril 2022", "2022-02", "2022-04"),
    ("Qui a parlé le 5 juin 2022 ?", "2022-06", "2022-06"),
    ("Recettes au T2 2023", "2023-04", "2023-06"),
    ("Ingresos desde el tercer trimestre de 2022", "2022-07", None),
    ("Ingresos del primer semestre de 2022", "2022-01", "2022-06"),
    ("Ingresos antes de marzo de 2022", None, "2022-02"),
    ("Ingresos de enero a junio de 2023", "2023-01", "2023-06"),
    ("Ingresos hasta septiembre de 2022", None, "2022-09"),
    ("Ingresos después de noviembre de 2022", "2022-12", None),
    ("Ingresos entre mayo y julio de 2021", "2021-05", "2021-07"),
    ("¿Quién habló el 5 de junio de 2022?", "2022-06", "2022-06"),
    ("Ingresos en el segundo trimestre de 2023", "2023-04", "2023-06"),
    ("Ingresos de 2021 a 2022", "2021-01", "2022-12"),
]


def test_questions_of_the_set_are_sixty() -> None:
    assert len({question for question, *_ in QUESTIONS}) == 60


@pytest.mark.parametrize(("question", "first", "last"), QUESTIONS)
def test_matches_of_interval_are_all_documents_with_a_month_in_it(
    question: str, first: str | None, last: str | None
) -> None:
    begin = _month(first) if first else 0
    end = _month(last) if last else 10**6
    expected = {name for name, (a, b) in SERIES.items() if a <= end and begin <= b}
    assert expected
    assert asked_time(question).matches({name: name for name in SERIES}) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What does RFC 2046 say of multipart bodies?",
        "Which characters has ISO 2022?",
        "Is Q10 a vitamin?",
        "What is new in version 2022.4?",
        "What is on page 2021?",
        "Which fee is $2022?",
        "May I moor here in Q3?",
        "Who pays the dues?",
    ],
)
def test_asked_time_of_other_numbers_is_none(question: str) -> None:
    assert asked_time(question) == AskedTime(frozenset())


def test_matches_of_two_times_are_those_of_either() -> None:
    names = {name: name for name in SERIES if name.startswith("Harbour")}
    found = asked_time("dues in Q1 2022 against Q3 2021").matches(names)
    assert found == {"Harbour report 2022 Q1.pdf", "Harbour report 2021 Q3.pdf"}


def test_matches_of_the_latest_are_the_newest_of_each_series() -> None:
    names = {name: name for name in SERIES}
    assert asked_time("the latest figures").matches(names) == {
        "Harbour report 2023 Q4.pdf",
        "Council minutes 2023-12.md",
        "Halbjahresbericht H2 2023.docx",
    }
    assert asked_time("the latest figures before 2023").matches(names) == {
        "Harbour report 2022 Q4.pdf",
        "Council minutes 2022-12.md",
        "Halbjahresbericht H2 2022.docx",
    }


@pytest.mark.parametrize(
    ("name", "series", "months"),
    [
        ("2022 Q3 AAPL.pdf", "aapl pdf", ("2022-7", "2022-9")),
        ("AAPL_Q3_2022.pdf", "aapl pdf", ("2022-7", "2022-9")),
        ("minutes 2024-03-17.md", "minutes md", ("2024-3", "2024-3")),
        ("Protokoll März 2023.docx", "protokoll docx", ("2023-3", "2023-3")),
        ("Report 2024 Skerra", "report skerra", ("2024-1", "2024-12")),
        ("handbook.pdf", "handbook.pdf", None),
    ],
)
def test_dated_name_has_a_series_and_a_period(
    name: str, series: str, months: tuple[str, str] | None
) -> None:
    period = (_month(months[0]), _month(months[1])) if months else None
    assert dated(name) == (series, period)


def test_document_evidence_of_another_time_loses_nothing() -> None:
    evidence = document_evidence(["a", "b", "c"], {"a": 0.5, "c": 0.25}, {"b", "c"})
    assert evidence.tolist() == [0.5, 0.5, 0.75]


@pytest.mark.parametrize(
    "text", ["from ", "1. ", "2022 ", "q1 ", "q1 to ", "between 2021 and ", "/"]
)
def test_asked_time_of_long_question_takes_linear_time(text: str) -> None:
    began = time.monotonic()
    asked_time(text * (20_000 // len(text)))
    assert time.monotonic() - began < 5

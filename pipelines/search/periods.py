"""What a question says of time, against the times in documents' names.

Reports of one series ("2022 Q3 Sales", "2023 Q1 Sales") say the same things in the same words:
ranking by words and meaning cannot tell them apart when a question asks for "the second quarter of
2023" or "the latest report".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Part = Literal["year", "quarter", "month"]
Period = tuple[int, Part, int]  # a year; which part of it; its number from 1, of a year 0

_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_YEAR: Final = r"(?<!\d)(?P<year>(?:19|20)\d\d)(?!\d)"
_QUARTER: Final = (
    r"(?:(?<![^\W_])(?:q(?P<after>[1-4])|(?P<before>[1-4])q)"
    rf"|\b(?P<word>{'|'.join(_ORDINALS)})[ -](?:fiscal )?quarter\b"
    r"|\b(?P<figure>[1-4])(?:st|nd|rd|th|\.) (?:fiscal )?(?:quarter|quartal)\b)"
)
_MONTH: Final = (
    r"(?<![^\W_])(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![^\W_])\.?"
)
_BETWEEN: Final = r"(?:[\s,/_.-]|of\b|the\b|fiscal\b|year\b|fy)*"
_SHORT_YEAR: Final = r"[\s_-]*(?:fy ?)?['’]?(?P<short>\d\d)(?!\d)"
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        f"{_QUARTER}{_BETWEEN}{_YEAR}",
        f"{_YEAR}{_BETWEEN}{_QUARTER}",
        f"{_QUARTER}{_SHORT_YEAR}",
        rf"{_MONTH}(?: \d\d?(?:st|nd|rd|th)?,?)?{_BETWEEN}{_YEAR}",
        f"{_YEAR}{_BETWEEN}{_MONTH}",
        r"(?<!\d)(?P<year>(?:19|20)\d\d)[-_.](?P<number>0[1-9]|1[0-2])(?:[-_.][0-3]\d)?(?!\d)",
    )
)
_ANY_YEAR: Final = re.compile(_YEAR)
_LATEST: Final = re.compile(
    r"\b(?:latest|most recent|newest|neueste[nrms]?|jüngste[nrms]?|aktuellste[nrms]?"
    r"|l[ea] plus récente?|más recientes?|più recent[ei]|mais recentes?)\b"
)


@dataclass(frozen=True)
class AskedTime:
    """What a question says of time: quarters, months and years it names, or that it wants the
    latest."""

    periods: frozenset[Period]
    wants_latest: bool
    years: frozenset[int] = frozenset()

    def misses(self, names: Mapping[str, str]) -> Set[str]:
        """Return the ids of documents, given with their names, that are of another time.

        A document is of another time if its name has a quarter and the question asks for other
        quarters only, months likewise; if the latest is wanted, and one whose name differs only in
        its time is newer; or if its name has a year alone, and one whose name differs only in that
        is of a year in the question. A name without a time misses nothing.
        """
        if self.periods:
            return {id_ for id_, name in names.items() if self._is_other(dated(name)[1])}
        if not self.wants_latest:
            return self._of_other_years(names) if self.years else frozenset()
        newest: dict[str, Period] = {}
        for name in names.values():
            series, period = dated(name)
            if period is not None:
                newest[series] = max(newest.get(series, period), period)
        return {
            id_
            for id_, name in names.items()
            for series, period in [dated(name)]
            if period is not None and period != newest[series]
        }

    def _of_other_years(self, names: Mapping[str, str]) -> Set[str]:
        found = {id_: dated(name) for id_, name in names.items()}
        yearly = {id_: (series, p[0]) for id_, (series, p) in found.items() if p and p[1] == "year"}
        asked = {series for series, year in yearly.values() if year in self.years}
        return {
            id_
            for id_, (series, year) in yearly.items()
            if series in asked and year not in self.years
        }

    def _is_other(self, period: Period | None) -> bool:
        if period is None:
            return False
        alike = {asked for asked in self.periods if asked[1] == period[1]}
        return bool(alike) and period not in alike


def asked_time(question: str) -> AskedTime:
    """Return what a question says of time; a bare year only tells reports of a year apart."""
    text = question.lower()
    found = frozenset(
        period for pattern in _PATTERNS for match in pattern.finditer(text)
        for period in [_period(match)]
    )  # fmt: skip
    years = frozenset(int(match["year"]) for match in _ANY_YEAR.finditer(text))
    return AskedTime(found, _LATEST.search(text) is not None, years)


@lru_cache(maxsize=4096)
def dated(name: str) -> tuple[str, Period | None]:
    """Return a name without its time, which tells its series, and the time; ``None`` without."""
    text = name.lower()
    for pattern in _PATTERNS:
        if match := pattern.search(text):
            return _without(text, match), _period(match)
    if match := _ANY_YEAR.search(text):
        return _without(text, match), (int(match["year"]), "year", 0)
    return text, None


def _without(text: str, match: re.Match[str]) -> str:
    return " ".join(re.findall(r"[^\W_]+", f"{text[: match.start()]} {text[match.end() :]}"))


def _period(match: re.Match[str]) -> Period:
    said = {name: value for name, value in match.groupdict().items() if value}
    year = int(said["year"]) if "year" in said else 2000 + int(said["short"])
    if "month" in said:
        return year, "month", _MONTHS.index(said["month"][:3]) + 1
    if "number" in said:
        return year, "month", int(said["number"])
    quarter = said.get("after") or said.get("before") or said.get("figure")
    return year, "quarter", int(quarter) if quarter else _ORDINALS[said["word"]]

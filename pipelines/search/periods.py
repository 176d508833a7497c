"""What a question says of time, against the times in documents' names.

Reports of one series ("2022 Q3 Sales", "2023 Q1 Sales") say the same things in the same words:
ranking by words and meaning cannot tell them apart when a question asks for "the second quarter of
2023", "since 2021" or "the latest report".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

Period = tuple[int, int]  # the first and the last month, counted from the year 0

_ALWAYS: Final = 12 * 10_000
_MONTHS: Final = (
    r"jan(?:uary|uar|vier)?|jänner|enero",
    r"feb(?:ruary|ruar|rero)?|f[ée]vrier",
    r"mar(?:ch|zo|s)?|märz",
    r"apr(?:il)?|avril|abril",
    r"may|mai|mayo",
    r"june?|juni|juin|junio",
    r"july?|juli|juillet|julio",
    r"aug(?:ust)?|ao[ûu]t|agosto",
    r"sept?(?:ember|embre|iembre)?|setiembre",
    r"oct(?:ober|obre|ubre)?|okt(?:ober)?",
    r"nov(?:ember|embre|iembre)?",
    r"dec(?:ember)?|dez(?:ember)?|d[ée]cembre|diciembre",
)
_ORDINALS: Final = (
    r"first|erste[nrms]?|premi(?:er|ère)|primer[oa]?",
    r"second|zweite[nrms]?|deuxième|seconde?|segund[oa]",
    r"third|dritte[nrms]?|troisième|tercer[oa]?",
    r"fourth|vierte[nrms]?|quatrième|cuart[oa]",
)
_QUARTER: Final = r"quarter|quartals?|trimestre"
_HALF: Final = r"half(?:[ -]year)?|halbjahr(?:e?s)?|semestre"


def _named(name: str, choices: Sequence[str]) -> str:
    return "|".join(f"(?P<{name}{number}>{each})" for number, each in enumerate(choices, 1))


# What number a year may be the rest of: "RFC 2046", "No. 1987", "$2022", "2022.5".
_YEAR: Final = (
    r"(?<![\d$€£#§.,])(?:(?<![^\W\d_])|(?<=\b[1-4][qh]))"
    r"(?:fy ?)?(?P<year>(?:19|20)\d\d)(?![\d%]|[.,]\d)(?!(?![qh][1-4]\b)\w)"
)
_NUMBER: Final = r"(?<![^\W_])(?P<number>[1-4])(?:st|nd|rd|th|er|ère|e|\.|º|\.º)?"
_PART: Final = (
    r"(?:(?:(?<![^\W_])|(?<=(?:19|20)\d\d))(?:[qt](?P<q1>[1-4])|h(?P<h1>[12]))"
    r"|(?<![^\W_])(?:(?P<q2>[1-4])[qt]|(?P<h2>[12])h)"
    rf"|(?:{_NUMBER}|\b(?:{_named('ordinal', _ORDINALS)}))[ -]"
    rf"(?:fiscal[ -])?(?:(?P<quarter>{_QUARTER})|(?P<half>{_HALF}))\b"
    rf"|(?<![^\W_])(?:\d\d?(?:st|nd|rd|th|\.|er)? (?:de |of )?)?"
    rf"(?:{_named('month', _MONTHS)})(?![^\W_])\.?(?: \d\d?(?:st|nd|rd|th)?(?=,? ))?)"
)
_JOIN: Final = r"(?:[\s,/_-]|(?:of|the|fiscal|year|fy|del?|l'année|año|jahre?s?|des)\b)*"
_SHORT_YEAR: Final = r"[\s_-]*(?:fy ?)?(?:'|’)?(?P<short>\d\d)(?![\d:.,]\d|\d|\w)"
_DATE: Final = (
    r"(?<![\d.])(?:(?P<iso_year>(?:19|20)\d\d)[-_./](?P<iso_month>0?[1-9]|1[0-2])"
    r"(?:[-_./][0-3]?\d)?(?!\d)(?![.,]\d)"
    r"|(?P<day>[0-3]?\d)[./](?P<day_month>0?[1-9]|1[0-2])[./](?P<day_year>(?:19|20)\d\d)(?!\d))"
)
# In a name an underscore parts words as a blank does.
_TIMES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        _DATE,
        rf"{_PART}{_JOIN}{_YEAR}",
        rf"{_YEAR}{_JOIN}{_PART}",
        rf"{_PART}{_SHORT_YEAR}",
        _YEAR,
        _PART,
    )
)
_BLANKS: Final = str.maketrans({"_": " ", "\u2013": "-", "\u2014": "-", "\xa0": " "})
_NO_TIME_BEFORE: Final = re.compile(
    r"(?:\b(?!FY|CY|GJ)[A-Z]{2,}(?:[ -][A-Z]{2,})*|\b(?:[Nn][or]\.?|[Pp]age|[Ss]eite|[Pp]ort"
    r"|[Rr]oom|[Vv]ersion|[Ff]orm|[Ww]indows|[Oo]ffice))[ -]\Z"
)

_FILL: Final = (
    r"(?:[\s,(]|(?:the|and|including|of|end|start|beginning|in|year|fiscal|month|del?|du|des|de[rmn]|dem|le|la|l'"
    r"|el|los|im|jahr|anfang|ende|année|fin|début|año|finales|principios)\b)*\Z"
)
_SINCE: Final = re.compile(
    r"\b(?:since|from|starting|beginning|onwards? from|ab|seit|von|vom|depuis|à partir|dès|desde"
    rf"|a partir){_FILL}"
)
_AFTER: Final = re.compile(rf"\b(?:after|later than|nach|après|después|tras){_FILL}")
_BEFORE: Final = re.compile(
    rf"\b(?:before|prior to|earlier than|preceding|vor|bevor|avant|antes){_FILL}"
)
_UNTIL: Final = re.compile(
    rf"\b(?:until|till|through|up to|as late as|bis|bis zum|jusqu['’](?:à|en|au)|hasta){_FILL}"
)
_BETWEEN: Final = re.compile(rf"\b(?:between|zwischen|entre){_FILL}")
_TO: Final = re.compile(
    r"[\s,]*(?:-|(?:up )?to|through|thru|until|till|bis(?: zum)?|à|au|jusqu['’](?:à|en|au)|al?"
    r"|hasta)"
    r"(?:[\s,]|(?:the|of|end|le|la|el|de)\b)*"
)
_AND: Final = re.compile(r"[\s,]*(?:and|und|et|y)(?:[\s,]|(?:the|le|la|el)\b)*")
_LATEST: Final = re.compile(
    r"\b(?:latest|most recent|newest|neueste[nrms]?|jüngste[nrms]?|aktuellste[nrms]?"
    r"|l[ea] plus récente?|más recientes?|più recent[ei]|mais recentes?)\b"
)


@dataclass(frozen=True)
class AskedTime:
    """The periods that a question asks for, any of which will do; whether it wants the latest."""

    periods: frozenset[Period]
    wants_latest: bool = False

    def matches(self, names: Mapping[str, str]) -> Set[str]:
        """Return the ids of documents, given with their names, that are of the time asked for.

        A document is, if its period and one that is asked for have a month in common. Where the
        latest is wanted, only the newest such of each series is. A name without a time never is.
        """
        if not self.periods and not self.wants_latest:
            return frozenset()
        found = {id_: dated(name) for id_, name in names.items()}
        matching = {
            id_: (series, period)
            for id_, (series, period) in found.items()
            if period is not None and self._includes(period)
        }
        if not self.wants_latest:
            return matching.keys()
        newest: dict[str, Period] = {}
        for series, period in matching.values():
            newest[series] = max(newest.get(series, period), period)
        return {id_ for id_, (series, period) in matching.items() if period == newest[series]}

    def _includes(self, period: Period) -> bool:
        first, last = period
        return not self.periods or any(a <= last and first <= b for a, b in self.periods)


@dataclass(frozen=True)
class _Time:
    """A time in a text; its months are of the year 0 where no year is said."""

    start: int
    end: int
    period: Period
    has_year: bool

    def in_year(self, year: int) -> _Time:
        period = (self.period[0] + 12 * year, self.period[1] + 12 * year)
        return self if self.has_year else _Time(self.start, self.end, period, True)

    @property
    def year(self) -> int:
        return self.period[0] // 12


@lru_cache(maxsize=256)
def asked_time(question: str) -> AskedTime:
    """Return what a question says of time."""
    text = question.translate(_BLANKS)
    lowered = text.lower()
    times = list(_times(text))
    periods = set[Period]()
    place = 0
    while place < len(times):
        time = times[place]
        following = times[place + 1] if place + 1 < len(times) else None
        before = lowered[max(0, time.start - 60) : time.start]
        if following is not None and _is_range(before, lowered[time.end : following.start]):
            periods.update(_from_to(time, following))
            place += 2
        else:
            periods.update(_related(before, time) if time.has_year else ())
            place += 1
    return AskedTime(frozenset(periods), _LATEST.search(lowered) is not None)


def _is_range(before: str, between: str) -> bool:
    is_between = _BETWEEN.search(before) is not None and _AND.fullmatch(between) is not None
    return is_between or _TO.fullmatch(between) is not None


def _from_to(first: _Time, last: _Time) -> Iterator[Period]:
    """Yield the period from one time to another; "from Q1 to Q4 2022" says the year once."""
    if last.has_year:
        first = first.in_year(last.year)
    elif first.has_year:
        last = last.in_year(first.year)
    if first.has_year and last.has_year:
        yield min(first.period[0], last.period[0]), max(first.period[1], last.period[1])


def _related(before: str, time: _Time) -> Iterator[Period]:
    first, last = time.period
    if _SINCE.search(before):
        yield first, _ALWAYS
    elif _AFTER.search(before):
        yield last + 1, _ALWAYS
    elif _BEFORE.search(before):
        yield 0, first - 1
    elif _UNTIL.search(before):
        yield 0, last
    else:
        yield first, last


@lru_cache(maxsize=4096)
def dated(name: str) -> tuple[str, Period | None]:
    """Return a name without its time, which tells its series, and the time; ``None`` without."""
    text = name.translate(_BLANKS).lower()
    time = next((time for time in _times(text) if time.has_year), None)
    if time is None:
        return name.lower(), None
    rest = f"{text[: time.start]} {text[time.end :]}"
    return " ".join(re.findall(r"[^\W_]+", rest)), time.period


def _times(text: str) -> Iterator[_Time]:
    """Yield the times of a text in their order; what says more wins over a part of it."""
    found: list[_Time] = []
    for pattern in _TIMES:
        for match in pattern.finditer(text.lower()):
            is_new = all(match.end() <= t.start or t.end <= match.start() for t in found)
            if is_new and not _NO_TIME_BEFORE.search(text[: match.start()][-40:]):
                found.append(_Time(*match.span(), *_period(match)))
    yield from sorted(found, key=lambda time: time.start)


def _period(match: re.Match[str]) -> tuple[Period, bool]:
    said = {name: value for name, value in match.groupdict().items() if value}
    year = next(
        (int(said[name]) for name in ("year", "iso_year", "day_year") if name in said), None
    )
    if year is None and "short" in said:
        year = 2000 + int(said["short"])
    first, months = _months(said)
    begin = 12 * (year or 0) + first
    return (begin, begin + months - 1), year is not None


def _months(said: Mapping[str, str]) -> tuple[int, int]:
    """Return a part of a year: its first month from 0, and how many months it has."""
    for name in ("iso_month", "day_month"):
        if name in said:
            return int(said[name]) - 1, 1
    month = _number_of("month", said)
    if month is not None:
        return month - 1, 1
    number = said.get("number") or _number_of("ordinal", said)
    quarter = said.get("q1") or said.get("q2") or ("quarter" in said and number)
    if quarter:
        return 3 * (int(quarter) - 1), 3
    half = said.get("h1") or said.get("h2") or ("half" in said and number)
    if half:
        return 6 * (min(int(half), 2) - 1), 6
    return 0, 12


def _number_of(name: str, said: Mapping[str, str]) -> int | None:
    found = (key.removeprefix(name) for key in said if key.startswith(name))
    return next((int(number) for number in found if number.isdecimal()), None)

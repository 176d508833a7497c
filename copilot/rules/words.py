"""What the rules read out of a question: a span of days, what it is about."""

from __future__ import annotations

import re
from typing import Final

from core.text import analyze

_DAYS_OF: Final = {
    "hour": 1 / 24, "day": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 90, "year": 365,
}  # fmt: skip
_NUMBERS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
_SPAN: Final = re.compile(
    r"\b(?:past|last|previous|this|recent)\s+(?:(\d{1,4}|" + "|".join(_NUMBERS) + r")\s+)?"
    r"(" + "|".join(_DAYS_OF) + r")s?\b",
    re.IGNORECASE,
)
_MOST_DAYS: Final = 365
# Words that are about the product, and those that are about nothing in particular.
_PRODUCT: Final = frozenset(
    analyze(
        "workflow block variable condition expression reference loop parallel webhook template "
        "trigger schedule cron secret deploy version draft agent tool router function response "
        "api slack gmail retry error handle edge run execution log debug test import export "
        "knowledge base documents iteration wait pause human resume nuxa flow copilot",
        "en",
    )
)
_GENERAL: Final = frozenset(
    analyze(
        "use using used work works add make create set get write build call need want explain "
        "tell show help please way best new many different between mean does doing possible "
        "start starts started begin change changed how do i can my when why where what which who "
        "should could would you we",
        "en",
    )
)
_LEAST_SHARE: Final = 0.6


def days_in(question: str, default: int) -> int:
    """Return how many days back a question looks, at least 1, at most a year."""
    lower = question.lower()
    if re.search(r"\btoday\b", lower):
        return 1
    if re.search(r"\byesterday\b", lower):
        return 2
    found = _SPAN.search(lower)
    if not found:
        return default
    number = found[1]
    count = 1 if number is None else _NUMBERS.get(number) or int(number)
    return max(1, min(_MOST_DAYS, round(count * _DAYS_OF[found[2]])))


def is_about_product(question: str) -> bool:
    """Whether most of what a question says is about how the product works."""
    words = [word for word in analyze(question, "en") if word not in _GENERAL]
    known = sum(word in _PRODUCT for word in words)
    return bool(words) and known / len(words) >= _LEAST_SHARE


def without(question: str, *unwanted: str) -> str:
    """Return a question's telling words, without those that are ``unwanted``."""
    stems = set(analyze(" ".join(unwanted), "en")) | _GENERAL
    words = re.findall(r"[\w'-]+", question)
    return " ".join(word for word in words if set(analyze(word, "en")) - stems)

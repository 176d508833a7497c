"""What the rules read out of a question: a span of days, what it is about."""

from __future__ import annotations

import re
from typing import Final

from pydantic import JsonValue

from core.text import analyze
from pipelines.blocks import schemas
from pipelines.tools import TOOLS

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
_GENERAL_TYPES: Final = frozenset({"workflow", "tool", "start"})  # said of any workflow
_ABOUT: Final = re.compile(
    r"\bworkflows\b.{0,10}?\b(?:about|named|called|for)\s+(?P<text>.{1,100})", re.IGNORECASE
)
# Words that say nothing of what is looked for.
_GENERAL: Final = frozenset(
    analyze(
        "use using used work works add make create set get write build call need want explain "
        "tell show help please way best new many different between mean does doing possible "
        "start starts started begin change changed how do i can my when why where what which who "
        "should could would you we",
        "en",
    )
)


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


def workflow_filter(question: str) -> dict[str, JsonValue]:
    """Return what narrows a list of workflows: a block or tool that is named, else a text."""
    words = re.findall(r"[\w'-]+", question.lower())
    tools = {name.partition("_")[0] for name in TOOLS}
    types = {str(each["type"]).lower() for each in schemas()} - _GENERAL_TYPES
    for names in (tools, types):
        for word in words:
            if word in names:
                return {"block": word}
    found = _ABOUT.search(question)
    return {"text": found["text"].strip(" '\"`?.!")[:200]} if found else {}


def without(question: str, *unwanted: str) -> str:
    """Return a question's telling words, without those that are ``unwanted``."""
    stems = set(analyze(" ".join(unwanted), "en")) | _GENERAL
    words = re.findall(r"[\w'-]+", question)
    return " ".join(word for word in words if set(analyze(word, "en")) - stems)

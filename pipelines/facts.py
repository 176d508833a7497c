"""The facts of a text that can be checked in another: its figures and names.

A date is no figure: it says when.
"""

from __future__ import annotations

import re
from typing import Final

_MONTHS: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_NO_FIGURE: Final = re.compile(
    rf"\b{_MONTHS} \d{{1,2}}(?:, \d{{4}})?\b|\b\d{{1,2}}\.? {_MONTHS}(?: \d{{4}})?"
    r"|(?<![\d.,$€£¥])(?:19|20)\d\d(?![\d%]|[.,]\d)"
)
_FIGURE: Final = re.compile(
    r"[$€£¥] ?(\d[\d,]*(?:\.\d+)?)|(\d[\d,]*(?:\.\d+)?) ?(?=%|percent\b|million\b|billion\b)"
    r"|(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d{3,})"
)
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_NAME: Final = re.compile(r"(?<![.!?:\"“•|] )(?<!\A)\b[A-Z][\w&-]+(?: [A-Z][\w&-]+)*")
_MONTH: Final = re.compile(rf"\b{_MONTHS}(?!\w)\s*")


def numbers(text: str) -> set[str]:
    """Return every number of a text, without commas between its digits."""
    return {found.replace(",", "") for found in _NUMBER.findall(text)}


def figures(text: str) -> set[str]:
    """Return the numbers that say how much: amounts, shares, and what is written with a point, a
    comma or three digits."""
    found = _FIGURE.findall(_NO_FIGURE.sub(" ", text))
    return {"".join(each).replace(",", "") for each in found}


def names(text: str) -> set[str]:
    """Return the words in capitals that do not open a sentence, but for months."""
    found = (_MONTH.sub("", name).strip() for name in _NAME.findall(text))
    return set(filter(None, found))

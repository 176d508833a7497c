"""Personal data in a text: found by form and check digits, so without a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, Literal, get_args

Kind = Literal["email", "iban", "card", "ssn", "ip", "phone"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True)
class Found:
    """Something personal: what kind it is, and where, in code points."""

    kind: Kind
    start: int
    end: int


def _always(_: str) -> bool:
    return True


def _luhn(text: str) -> bool:
    """Check digit of payment cards: ISO/IEC 7812-1, annex B."""
    digits = [int(letter) for letter in reversed(text) if letter.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    """Check digits of account numbers: ISO 13616, modulo 97."""
    plain = text.replace(" ", "").upper()
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _phone(text: str) -> bool:
    return 8 <= sum(letter.isdigit() for letter in text) <= 15  # E.164: 15 at most


_FORMS: Final[Mapping[Kind, tuple[re.Pattern[str], Callable[[str], bool]]]] = MappingProxyType(
    {
        "email": (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b"), _always),
        "iban": (
            re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b"),
            _iban,
        ),
        "card": (re.compile(r"\b\d(?:[ -]?\d){12,18}\b"), _luhn),
        "ssn": (re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b"), _always),
        "ip": (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), _address),
        "phone": (re.compile(r"(?<![\w.])(?:\+|00|\(?0)\d(?:[ ./()-]{0,2}\d){6,14}\b"), _phone),
    }
)


def find(text: str, kinds: Sequence[Kind] = KINDS) -> list[Found]:
    """Return what is personal in ``text``, in order; what overlaps an earlier kind is left out."""
    found: list[Found] = []
    for kind in (kind for kind in KINDS if kind in kinds):
        for candidate in _of_kind(kind, text):
            if all(candidate.end <= other.start or other.end <= candidate.start for other in found):
                found.append(candidate)
    return sorted(found, key=lambda item: item.start)


def redact(text: str, found: list[Found]) -> str:
    """Return ``text`` with each find replaced by its kind, such as ``[email]``."""
    parts, end = [], 0
    for item in found:
        parts += [text[end : item.start], f"[{item.kind}]"]
        end = item.end
    return "".join([*parts, text[end:]])


def _of_kind(kind: Kind, text: str) -> Iterator[Found]:
    form, is_one = _FORMS[kind]
    for match in form.finditer(text):
        if is_one(match.group()):
            yield Found(kind, match.start(), match.end())

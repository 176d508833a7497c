"""Documents and questions made up from a fixed seed, alike in length to those users bring."""

from __future__ import annotations

import random
from typing import Final

_SUBJECTS: Final = (
    "The finance team,A regional office,The supplier,Every new employee,The safety committee,"
    "An external auditor,The maintenance crew,The board,A customer in Lisbon,The night shift"
).split(",")
_VERBS: Final = (
    "approves,reviews,postpones,documents,measures,rejects,publishes,repairs,forecasts,archives"
).split(",")
_OBJECTS: Final = (
    "the quarterly budget,a travel expense report,the cooling system,the vacation policy,"
    "a shipment of sensors,the data retention schedule,an emergency drill,the parking contract,"
    "the prototype of the valve,a list of open invoices"
).split(",")
_CIRCUMSTANCES: Final = (
    "before the end of March,within {n} working days,at a cost of {n} euros,after {n} complaints,"
    "unless the manager objects,as section {n} of the handbook demands,together with legal counsel,"
    "in building {n},whenever the temperature exceeds {n} degrees,without further notice"
).split(",")


def _sentence(chance: random.Random) -> str:
    circumstance = chance.choice(_CIRCUMSTANCES).format(n=chance.randint(2, 9999))
    subject, verb = chance.choice(_SUBJECTS), chance.choice(_VERBS)
    return f"{subject} {verb} {chance.choice(_OBJECTS)} {circumstance}."


def documents(count: int, size: int, seed: int) -> list[str]:
    """Return ``count`` distinct texts of at least ``size`` characters each."""
    chance = random.Random(seed)  # noqa: S311 - material for measurements, not a secret
    texts = []
    for number in range(count):
        parts = [f"Memorandum {seed}-{number}."]
        while sum(map(len, parts)) + len(parts) < size:
            parts.append(_sentence(chance))
        texts.append(" ".join(parts))
    return texts


def questions(count: int, seed: int) -> list[str]:
    """Return ``count`` questions that the documents could answer."""
    chance = random.Random(seed)  # noqa: S311 - material for measurements, not a secret
    return [
        f"Who {chance.choice(_VERBS)} {chance.choice(_OBJECTS)} number {chance.randint(2, 9999)}?"
        for _ in range(count)
    ]

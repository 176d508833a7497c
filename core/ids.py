"""Prefixed, unguessable identifiers."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_LENGTH: Final = 12  # pairs
_IDS: Final = len(_PAIRS) ** _LENGTH  # about 124 bits


def new_id(prefix: str) -> str:
    """Return ``<prefix>_<24 random characters>``, for example ``doc_4k…``."""
    number = secrets.randbelow(_IDS)  # one draw: a draw a character costs ten times as much
    pairs = []
    for _ in range(_LENGTH):
        number, at = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[at])
    return f"{prefix}_{''.join(pairs)}"

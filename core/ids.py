"""Prefixed, unguessable identifiers."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 24
_IDS: Final = len(_ALPHABET) ** _LENGTH  # about 124 bits


def new_id(prefix: str) -> str:
    """Return ``<prefix>_<24 random characters>``, for example ``doc_4k…``."""
    number = secrets.randbelow(_IDS)  # one draw: a draw a character costs ten times as much
    characters = []
    for _ in range(_LENGTH):
        number, at = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[at])
    return f"{prefix}_{''.join(characters)}"

"""Prefixed, unguessable identifiers."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 24  # 36^24, about 124 bits


def new_id(prefix: str) -> str:
    """Return ``<prefix>_<24 random characters>``, for example ``doc_4k…``."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"

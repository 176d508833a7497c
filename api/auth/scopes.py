"""Scopes of OAuth (RFC 6749, section 3.3): those of API keys, separated by spaces."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from core.errors import ValidationFailed
from core.rights import SCOPE, covers_all

DEFAULT: Final = ("read", "write")


def _check(text: str) -> str:
    scopes = text.split()
    if not scopes or not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("must be read, write, admin or one of a domain: read files:write")
    return text


ScopeText = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_check)]


def scopes_of(text: str | None) -> list[str]:
    """Return the scopes of a parameter, or those that a program gets without one."""
    return sorted(set(text.split())) if text is not None else list(DEFAULT)


def check_granted(text: str | None, granted: Collection[str]) -> None:
    """Raise RFC 6749's ``invalid_scope`` when a token is to do more than was granted."""
    if text is not None and not covers_all(frozenset(granted), text.split()):
        raise ValidationFailed(
            "The scope exceeds what was granted; omit scope or authorize again.",
            {"reason": "invalid_scope"},
        )

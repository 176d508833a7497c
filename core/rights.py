"""What a caller may do in a workspace: a role, and how far an API key's scopes reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

SCOPE: Final = re.compile(r"(?:(?P<domain>[a-z][a-z-]*):)?(?P<role>read|write|admin)")


class Role(IntEnum):
    """A member's role in a workspace; a larger one may do all that a smaller one may."""

    READ = 1
    WRITE = 2
    ADMIN = 3
    OWNER = 4

    @classmethod
    def named(cls, name: str) -> Role:
        return cls[name.upper()]


@dataclass(frozen=True)
class Rights:
    """``scopes`` are an API key's or a program's; None for a session, which has no scope."""

    role: Role | None
    scopes: frozenset[str] | None = None

    def wire(self) -> dict[str, Any]:
        """Return them as JSON."""
        role = self.role.name if self.role else None
        return {"role": role, "scopes": None if self.scopes is None else sorted(self.scopes)}

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> Rights:
        """Return what :meth:`wire` has written."""
        role, scopes = wire["role"], wire["scopes"]
        return cls(
            Role.named(role) if role else None, None if scopes is None else frozenset(scopes)
        )

    def missing(self, role: Role, domain: str) -> str | None:
        """Return the sentence that refuses a caller something, None where it is allowed."""
        if self.role is None:
            return "You are in no workspace: create one, or ask to be added to one."
        if self.role < role:
            name = role.name.lower()
            return f"This needs the role {name} in the workspace; ask an admin for it."
        return self.unscoped(role, domain)

    def unscoped(self, role: Role, domain: str) -> str | None:
        """Return the sentence that refuses for want of a scope alone."""
        if self.scopes is None or _covers(self.scopes, domain, role):
            return None
        scope = f"{domain}:{role.name.lower()}"
        return f"The API key or token lacks the scope {scope}; use one that has it."


def covers_all(granted: frozenset[str], requested: Iterable[str]) -> bool:
    """Return whether every requested scope is within the granted ones."""
    for scope in requested:
        match = SCOPE.fullmatch(scope)
        if match is None:
            return False
        # Without a domain, only a scope without one covers it: no domain has an empty name.
        if not _covers(granted, match["domain"] or "", Role.named(match["role"])):
            return False
    return True


def _covers(scopes: frozenset[str], domain: str, role: Role) -> bool:
    for scope in scopes:
        match = SCOPE.fullmatch(scope)
        if match and match["domain"] in (None, domain) and Role.named(match["role"]) >= role:
            return True
    return False

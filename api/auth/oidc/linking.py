"""Which account a provider's user signs in to.

The provider's own number for a user (issuer and subject) decides, once it is linked. The first
time the e-mail address does, under two conditions: the provider has verified it, and so have we.
An account whose address was never shown to be its owner's may have been made by somebody else in
her name: it is not linked, and not taken over, until a reset by mail has proven the address and
ended what was there before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.auth.accounts import add_account
from api.auth.oidc.exchange import SignInFailed
from api.wire import Email
from core.config import Settings
from core.errors import Conflict, Forbidden
from core.ids import new_id
from core.store.linked_accounts import LinkedAccount
from core.store.unit import Store, SystemUnit
from core.store.users import User

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


@dataclass(frozen=True)
class Person:
    """Who a provider says somebody is; ``email`` only where the provider has verified it."""

    issuer: str
    subject: str
    email: str | None
    name: str

    @classmethod
    def of(cls, claims: dict[str, Any]) -> Person:
        if "\x00" in claims["sub"]:
            raise SignInFailed("The provider sent an unusable account id; ask its administrator.")
        email = _address(claims.get("email")) if claims.get("email_verified") is True else None
        given = claims.get("name")
        name = given.replace("\x00", "").strip()[:200] if isinstance(given, str) else ""
        return cls(claims["iss"], claims["sub"], email, name or (email or "").partition("@")[0])


async def user_of(store: Store, settings: Settings, person: Person) -> User:
    """Return the account of a person, made or linked where it must be.

    Raises ``Forbidden`` without a verified address, ``Conflict`` for an account that is not hers
    for sure.
    """
    async with store.system() as system:
        linked = await system.linked_accounts.user(person.issuer, person.subject)
        if linked is not None:
            return linked
        if person.email is None:
            raise Forbidden("The provider has not verified your e-mail address; do so there.")
        user = await system.users.by_email(person.email)
        if user is not None and not user.email_verified:
            raise Conflict(
                "There is an account with this e-mail address that nobody has confirmed. Reset its "
                "password by mail, then sign in this way again."
            )
        user = user or await _make(system, settings, person, person.email)
        system.linked_accounts.add(
            LinkedAccount(
                issuer=person.issuer,
                subject=person.subject,
                user_id=user.id,
                email=person.email,
            )
        )
        return user


async def _make(system: SystemUnit, settings: Settings, person: Person, email: str) -> User:
    user = User(id=new_id("usr"), email=email, name=person.name, email_verified=True)
    await add_account(system, settings, user)
    return user


def _address(given: object) -> str | None:
    try:
        return _EMAIL.validate_python(given, strict=True)
    except ValidationError:
        return None

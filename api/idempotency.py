"""``Idempotency-Key``: a call that is sent again is not done again.

Any POST that says who calls may carry one. The key is claimed in PostgreSQL before the work, for
the caller in the workspace, and the answer is kept for a day, sealed, since some answers show a
secret once; where the work is done in the call's own unit, in the same transaction. A repeat with
the same body gets that answer; with another body, or while the first is at work, a 409. An error
is not kept: what failed has left nothing behind, and may be tried again.

A stream has no answer to keep, and a process may die before it keeps one. Runs and turns therefore
take their id from the claim (``Call.once_id``): the handler is called again, finds what is there
and attaches to it. The bytes of a form differ each time they are sent: what it says is compared,
read for a repeat to its end and kept nowhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from api.call import Call, Reply
from api.endpoint import Endpoint
from api.multipart import Digest, update_digest
from core.errors import Conflict, NuxaError, ServiceUnavailable, StillRunning, ValidationFailed
from core.store.unit import Unit

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_OTHER_CALL: Final = f"This {HEADER} came with another call before; choose a new one."
_FORM: Final = "multipart/form-data"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Claim:
    """A key of a call: ``owner`` is empty where the work was done and is only to be found again."""

    row_id: str
    owner: str | None
    once_id: str
    is_repeat: bool
    workspace_id: str | None
    answer: Reply | None = None


@dataclass(frozen=True)
class Answered:
    """An answer as it went out: its body is whole, or None for a stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


async def claim(route: Endpoint, call: Call, given: Mapping[str, Any] | None) -> Claim | None:
    """Claim the key of a call; None for a call without one.

    Raises ``Conflict`` for a key that came with another body, or whose call is still at work.
    """
    key = call.request.headers.get(HEADER) if route.takes_idempotency_key else None
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise ValidationFailed(f"{HEADER} takes 1 to 255 visible ASCII characters.")
    fingerprint = _hash(
        [
            call.request.method,
            call.request.path,
            call.request.query,
            _FORM if given is None else given,
        ]
    )
    seat, identity = call.caller.seat, call.caller.identity
    # Where no role is asked for, a call is the user's own: no workspace tells two of them apart.
    workspace_id = seat.workspace.id if seat and route.access.role else None
    row_id = _hash([workspace_id, identity.user_id, identity.way, key])
    async with call.services.store.system() as system:
        found = await system.idempotency.claim(
            row_id, workspace_id, identity.user_id, fingerprint, _lease(call)
        )
    if found.fingerprint != fingerprint:
        raise Conflict(_OTHER_CALL)
    if found.owner is None and not found.is_answered:
        raise StillRunning("The first call with this key is still at work; ask again soon.")
    if given is None:
        call.form_digest = hashlib.sha256()
    answer = await _opened(call, found.sealed_answer) if found.sealed_answer else None
    return Claim(row_id, found.owner, found.once_id, found.is_repeat, workspace_id, answer)


@asynccontextmanager
async def held(call: Call, claimed: Claim) -> AsyncIterator[None]:
    """Hold a claim as long as its work takes; give it back if that fails."""
    beating = asyncio.create_task(_beat(call, claimed))
    try:
        yield
    except Exception as error:
        await _failed(call, claimed, error)
        raise
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def keep(call: Call, claimed: Claim, answered: Answered, unit: Unit | None) -> None:
    """Keep the answer, in the unit of the work where there is one."""
    if claimed.owner is None:
        return
    sealed = None if answered.body is None else await _sealed(call, answered)
    if unit is None or claimed.workspace_id is None:
        async with call.services.store.system() as system:
            await system.idempotency.answer(claimed.row_id, claimed.owner, sealed)
    elif not await unit.idempotent_answers.keep(claimed.row_id, claimed.owner, sealed):
        raise StillRunning("Another call with this key has taken over; ask again soon.")


async def _failed(call: Call, claimed: Claim, error: Exception) -> None:
    if claimed.owner is None:
        return
    # A run that was added and could not be announced is there: repeats are to find it.
    is_begun = isinstance(error, NuxaError) and "executionId" in error.details
    async with call.services.store.system() as system:
        if is_begun:
            await system.idempotency.answer(claimed.row_id, claimed.owner, None)
        else:
            await system.idempotency.give_back(claimed.row_id, claimed.owner)


async def _beat(call: Call, claimed: Claim) -> None:
    lease = _lease(call)
    while claimed.owner is not None:
        await asyncio.sleep(lease.total_seconds() / 3)
        with suppress(ServiceUnavailable):  # the next beat comes before the lease runs out
            async with call.services.store.system() as system:
                await system.idempotency.renew(claimed.row_id, claimed.owner, lease)


async def _sealed(call: Call, answered: Answered) -> str:
    body = base64.b64encode(answered.body or b"").decode()
    plain = json.dumps(
        {
            "status": answered.status,
            "headers": dict(answered.headers),
            "body": body,
            "form": _form_of(call),
        }
    )
    return await asyncio.to_thread(call.services.sealer.seal, plain)


async def _opened(call: Call, sealed: str) -> Reply:
    kept = json.loads(await asyncio.to_thread(call.services.sealer.open, sealed))
    if call.form_digest is not None:
        await _read_form(call, call.form_digest)
        if kept.get("form") != _form_of(call):
            raise Conflict(_OTHER_CALL)
    headers = {**kept["headers"], REPLAYED: "true"}
    return Reply(status=kept["status"], headers=headers, content=base64.b64decode(kept["body"]))


def _form_of(call: Call) -> str | None:
    return call.form_digest.hexdigest() if call.form_digest is not None else None


async def _read_form(call: Call, digest: Digest) -> None:
    limit = call.services.settings.max_upload_bytes
    await update_digest(call.request.headers, call.request.body, digest, limit)


def _lease(call: Call) -> timedelta:
    return timedelta(seconds=call.services.settings.lease_seconds)


def _hash(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

"""Rights of callers whose call lasts: checked again while an answer is streamed or waited for.

A member who was removed, a lower role, an ended session or a revoked key ends what it began within
`RECHECK_SECONDS` and the time of one query. Queries of a moment are batched (`LiveCallers`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from api import access
from api.access import Access, Caller, Identity
from core.errors import Forbidden, NotFound, ServiceUnavailable, Unauthorized
from core.services import Services
from core.store.live_callers import Asked

RECHECK_SECONDS = 5.0
_DENIALS: Final = (Unauthorized, Forbidden, NotFound)

T = TypeVar("T")
Check = Callable[[], Awaitable[None]]
"""Raises `Unauthorized`, `Forbidden` or `NotFound` once the caller's rights have ended."""

log = structlog.get_logger(__name__)


async def load_caller(services: Services, identity: Identity, wanted: str | None) -> Caller:
    """Return a caller with the role that the database has now.

    Raises:
        Unauthorized: The session or key has ended.
        NotFound: The caller is no member of the wanted workspace.
    """
    asked = Asked(identity.credential_id, identity.user_id, identity.workspace_id or wanted)
    live = await services.store.live_callers.find(asked)
    if live is None:
        raise Unauthorized("Your session or API key has ended; sign in again.")
    return access.seated_in(identity, live.seat, wanted)


async def require_rights(services: Services, known: Caller, rule: Access, domain: str) -> None:
    """Raise unless a route would let in a caller, who was let in before, in the same workspace."""
    workspace_id = known.seat.workspace.id if known.seat else None
    caller = await load_caller(services, known.identity, workspace_id)
    access.authorize(caller, rule, domain)


async def stream_while_allowed(check: Check, items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Yield the items of an answer; end early, without its last ones, when rights have ended."""
    queue: asyncio.Queue[_Item[T] | Exception | None] = asyncio.Queue(1)
    reading = asyncio.create_task(_read(items, queue))
    recheck = _Recheck(check)
    try:
        while True:
            item = await recheck.during(queue.get)
            if isinstance(item, Exception):
                raise item
            if item is None:
                return
            yield item.value
    except _DENIALS as error:
        log.info("stream_ended", reason=error.message)
    finally:
        await _stop(reading)


async def wait_while_allowed(check: Check, work: Awaitable[T]) -> T:
    """Return the result of work that may last; cancel the work and raise when rights have ended."""
    task = asyncio.ensure_future(work)
    try:
        return await _Recheck(check).during(lambda: asyncio.shield(task))
    finally:
        await _stop(task)


@dataclass(frozen=True)
class _Item(Generic[T]):
    value: T


class _Recheck:
    """The time of the next check, and waits that are interrupted by checks."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._due = self._next()

    async def during(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Return what `wait` gives; `wait` is called again after each check that interrupted it."""
        while True:
            limit = asyncio.timeout_at(self._due)
            try:
                async with limit:
                    found = await wait()
            except TimeoutError:
                if not limit.expired():
                    raise
                await self._run()
                continue
            if asyncio.get_running_loop().time() >= self._due:
                await self._run()
            return found

    async def _run(self) -> None:
        with suppress(ServiceUnavailable):  # the database is away for a moment; asked again soon
            await self._check()
        self._due = self._next()

    def _next(self) -> float:
        return asyncio.get_running_loop().time() + RECHECK_SECONDS


async def _read(items: AsyncIterator[T], queue: asyncio.Queue[_Item[T] | Exception | None]) -> None:
    """Pass items on in a task of their own: an interrupted wait must not end their generator."""
    try:
        async for item in items:
            await queue.put(_Item(item))
        await queue.put(None)
    # Raised where the items are yielded.
    except Exception as error:  # noqa: BLE001
        await queue.put(error)
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


async def _stop(task: asyncio.Future[T]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

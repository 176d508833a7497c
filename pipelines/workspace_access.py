"""The workspace whose knowledge bases Haystack components may use.

Components name a knowledge base only. The workspace is the one that is open where they are made: a
request's or an execution's in the service, :func:`open_workspace` in a program of one's own. So no
pipeline that somebody wrote can name another's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from core.config import Settings, forbid_phoning_home, get_settings
from core.embedded.reach import database_of
from core.errors import Forbidden, NotFound, Unauthorized
from core.rights import Rights, Role
from core.security import hash_token
from core.store.unit import Store, open_store
from pipelines import background_loop

T = TypeVar("T")
Work = Callable[[Store], Coroutine[Any, Any, T]]

_POOL_SIZE: Final = 3
_DOMAIN: Final = "knowledge"


@dataclass(frozen=True)
class WorkspaceAccess:
    """A workspace, and how to reach its data from any thread.

    ``store`` is used on the event loop that it belongs to, ``loop``; elsewhere the work is done on
    a background loop, which has its own connections to the database of ``settings``.
    """

    workspace_id: str
    settings: Settings
    can_write: bool = True
    store: Store | None = None
    loop: asyncio.AbstractEventLoop | None = None

    async def run(self, work: Work[T]) -> T:
        """Do work that needs the database, from an event loop."""
        if self.store is not None and asyncio.get_running_loop() is self.loop:
            return await work(self.store)
        elsewhere = _background_stores.run(self.settings, work)
        return await asyncio.wrap_future(background_loop.submit(elsewhere))

    def run_sync(self, work: Work[T]) -> T:
        """Do work that needs the database, and wait for it in the calling thread."""
        return background_loop.run(_background_stores.run(self.settings, work))


_current: ContextVar[WorkspaceAccess | None] = ContextVar("workspace_access", default=None)


def get_access() -> WorkspaceAccess:
    """Return the workspace that is open here; raises ``Forbidden`` where none is."""
    access = _current.get()
    if access is None:
        raise Forbidden("No workspace is open; use pipelines.workspace_access.open_workspace.")
    return access


def check_access(access: WorkspaceAccess) -> WorkspaceAccess:
    """Return the access that a component was made with, unless another workspace is open here."""
    current = _current.get()
    if current is not None and current.workspace_id != access.workspace_id:
        raise Forbidden("The component belongs to another workspace; build the pipeline anew.")
    return access


@contextmanager
def use_workspace(access: WorkspaceAccess) -> Iterator[None]:
    """Let components that are made and run inside use a workspace."""
    token = _current.set(access)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def open_workspace(*, api_key: str = "", workspace_id: str = "") -> Iterator[WorkspaceAccess]:
    """Let Haystack components of a program use the knowledge bases of a workspace.

    The database is that of ``NUXA_DATABASE_URL``, else the embedded one in ``NUXA_DATA_DIR``. An
    API key decides the workspace and what may be done in it; with a workspace's id all is allowed.

    Raises:
        Forbidden: The key may not read knowledge bases.
        NotFound: There is no such workspace.
        Unauthorized: The key is unknown, expired or revoked.
    """
    settings = get_settings()
    forbid_phoning_home(settings)
    with database_of(settings, alone=False) as url:
        reachable = settings.model_copy(update={"database_url": url})
        opening = WorkspaceAccess(workspace_id, reachable)
        try:
            access = opening.run_sync(lambda store: _authorize(store, opening, api_key))
            with use_workspace(access):
                yield access
        finally:
            background_loop.run(_background_stores.close(reachable))


async def _authorize(store: Store, opening: WorkspaceAccess, api_key: str) -> WorkspaceAccess:
    if not api_key:
        async with store.system() as system:
            if await system.workspaces.get(opening.workspace_id) is None:
                raise NotFound("Workspace not found; check the ID.")
        return opening
    holder = await store.key_holders.find(hash_token(api_key))
    if holder is None:
        raise Unauthorized("This API key is unknown, expired or revoked; create a new one.")
    if opening.workspace_id not in ("", holder.key.workspace_id):
        raise NotFound("Workspace not found; an API key can only access its own workspace.")
    role = None if holder.seat is None else Role.named(holder.seat.role)
    rights = Rights(role, frozenset(holder.key.scopes))
    refusal = rights.missing(Role.READ, _DOMAIN)
    if refusal is not None:
        raise Forbidden(refusal)
    can_write = rights.missing(Role.WRITE, _DOMAIN) is None
    return WorkspaceAccess(holder.key.workspace_id, opening.settings, can_write)


class _BackgroundStores:
    """Small pools of connections, a database each, that the background loop alone uses."""

    def __init__(self) -> None:
        self._by_url: dict[str, Store] = {}

    async def run(self, settings: Settings, work: Work[T]) -> T:
        url = settings.database_url or ""
        if url not in self._by_url:
            small = settings.model_copy(update={"database_pool_size": _POOL_SIZE})
            self._by_url[url] = open_store(url, small)
        return await work(self._by_url[url])

    async def close(self, settings: Settings) -> None:
        store = self._by_url.pop(settings.database_url or "", None)
        if store is not None:
            await store.close()

    def forget(self) -> None:
        """Leave the connections of the process that this one was forked from alone."""
        self._by_url.clear()


_background_stores: Final = _BackgroundStores()
os.register_at_fork(after_in_child=_background_stores.forget)

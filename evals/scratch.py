"""What evals stand on: real servers, a scratch base, documents through real ingestion."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.config import Settings, forbid_phoning_home, get_settings
from core.embedded.servers import EmbeddedServers
from core.ids import new_id
from core.intake import Content, add
from core.migrations import migrate
from core.models.embed import get_embedder
from core.services import Services, open_services
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import async_url
from core.store.users import User
from core.store.workspaces import Workspace
from ingest.process import Processor

_WORKSPACE: Final = "ws_evals"
USER: Final = "usr_evals"
_TOGETHER: Final = 50  # documents added in one transaction
_LARGEST: Final = 1024**3  # bytes of a document


@dataclass(frozen=True)
class Source:
    """A document to be added; ``key`` tells it apart and comes back as metadata ``evalKey``."""

    key: str
    name: str
    mime_type: str
    data: bytes


@contextmanager
def servers() -> Iterator[Settings]:
    """Yield settings with server addresses: the configured ones, else embedded ones of evals' own.

    Call from the main thread, outside an event loop.
    """
    settings = get_settings()
    has_own = settings.database_url is not None and settings.redis_url is not None
    with _running(postgres=not has_own, valkey=not has_own):
        yield get_settings()


@contextmanager
def model_server() -> Iterator[Settings]:
    """Yield settings with the local chat model's address, where one is configured to run here."""
    with _running(postgres=False, valkey=False):
        yield get_settings()


@contextmanager
def _running(*, postgres: bool, valkey: bool) -> Iterator[None]:
    """Run what is wanted and not configured; its addresses are in the environment meanwhile, where
    the doors to models look as well."""
    settings = get_settings()
    forbid_phoning_home(settings)
    model = settings.local_model if settings.wants_embedded_model else None
    if not (postgres or valkey or model):
        yield
        return
    home = settings.data_dir / "evals"
    with EmbeddedServers(home, postgres=postgres, valkey=valkey, local_model=model) as running:
        before = {name: os.environ.get(name) for name in running.addresses}
        os.environ.update(running.addresses)
        get_settings.cache_clear()
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {name: value} if value is not None else {}
            get_settings.cache_clear()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Services]:
    """Open the services on a migrated database with the evals' own workspace in it."""
    assert settings.database_url is not None
    await asyncio.to_thread(migrate, async_url(settings.database_url))
    async with open_services(settings) as services:
        async with services.store.system() as unit:
            if await unit.workspaces.get(_WORKSPACE) is None:
                unit.users.add(User(id=USER, email="evals@localhost", name="Evals"))
                await unit.flush()
                unit.workspaces.add(
                    Workspace(id=_WORKSPACE, name="Evals", plan="enterprise", owner_id=USER)
                )
        async with services.store.unit(_WORKSPACE) as unit:
            if await unit.members.get(USER) is None:
                await unit.members.add(USER, "owner")
        yield services


class ScratchBase:
    """A base for one evaluation set; with ``keep`` it is found again by the set's checksum."""

    workspace_id = _WORKSPACE

    def __init__(self, services: Services, name: str, checksum: str, language: str) -> None:
        self._services = services
        self._model = services.settings.embedding_model
        self._name = f"{name} {checksum[:16]} {language} {self._model}"
        self._language = language

    @asynccontextmanager
    async def filled(self, sources: Sequence[Source], *, keep: bool) -> AsyncIterator[str]:
        """Yield the id of a base that holds the documents; deleted afterwards unless kept."""
        base_id = await self._kept(len(sources)) if keep else None
        if base_id is None:
            base_id = await self._create()
            await self._ingest(base_id, sources)
        try:
            yield base_id
        finally:
            if not keep:
                await self._delete(base_id)

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[KnowledgeBase]:
        """Yield a base to be filled otherwise; deleted afterwards."""
        base_id = await self._create()
        try:
            async with self._services.store.unit(_WORKSPACE) as unit:
                (base,) = await unit.bases.get_all([base_id])
            yield base
        finally:
            await self._delete(base_id)

    async def _kept(self, document_count: int) -> str | None:
        async with self._services.store.unit(_WORKSPACE) as unit:
            for base in await unit.bases.named(self._name):
                if base.document_count == document_count and not await self._waiting(base.id):
                    return base.id
        return None

    async def _create(self) -> str:
        dimensions = await asyncio.to_thread(lambda: get_embedder(self._model).dimensions)
        base = KnowledgeBase(
            id=new_id("kb"),
            name=self._name,
            language=self._language,
            embedding_model=self._model,
            embedding_dimensions=dimensions,
        )
        async with self._services.store.unit(_WORKSPACE) as unit:
            unit.bases.add(base)
        return base.id

    async def _delete(self, base_id: str) -> None:
        async with self._services.store.unit(_WORKSPACE) as unit:
            base = await unit.bases.get(base_id)
            if base is not None:
                await unit.chunks.delete_of_base(base)
                await unit.bases.delete(base)

    async def _ingest(self, base_id: str, sources: Sequence[Source]) -> None:
        with progress_bar() as bar:
            adding = bar.add_task("adding documents", total=len(sources))
            for start in range(0, len(sources), _TOGETHER):
                part = sources[start : start + _TOGETHER]
                await self._add(base_id, part)
                bar.advance(adding, len(part))
            task = bar.add_task("reading and embedding", total=len(sources))
            processor = Processor(self._services)
            work = asyncio.ensure_future(processor.drain())
            try:
                while waiting := await self._waiting(base_id):
                    bar.update(task, completed=len(sources) - waiting)
                    if work.done():
                        work.result()
                        work = asyncio.ensure_future(processor.drain())
                    await asyncio.wait([work], timeout=1.0)
                bar.update(task, completed=len(sources))
            finally:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
                await processor.close()

    async def _add(self, base_id: str, sources: Sequence[Source]) -> None:
        # Side by side: each waits for the disk to have it.
        stored = await asyncio.gather(
            *(self._services.blobs.put(_once(source.data), _LARGEST) for source in sources)
        )
        async with self._services.store.unit(_WORKSPACE) as unit:
            base = await unit.bases.get(base_id)
            assert base is not None
            for source, blob in zip(sources, stored, strict=True):
                content = Content(
                    name=source.name,
                    mime_type=source.mime_type,
                    size=blob.size,
                    # Of the key too: equal texts of a set stay two documents, as it counts them.
                    checksum=hashlib.sha256(source.key.encode() + source.data).hexdigest(),
                    blob_key=blob.key,
                    metadata={"evalKey": source.key},
                )
                await add(unit, base.id, content, self._services.queue, self._services.blobs)

    async def _waiting(self, base_id: str) -> int:
        async with self._services.store.unit(_WORKSPACE) as unit:
            return await unit.documents.count_unfinished(base_id)

    async def failures(self, base_id: str) -> list[tuple[str, str]]:
        """Return name and reason of every document that could not be read."""
        async with self._services.store.unit(_WORKSPACE) as unit:
            return await unit.documents.failures(base_id)


def progress_bar() -> Progress:
    """Return a progress bar for work with a known number of steps."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data

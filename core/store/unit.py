"""The unit of work: one transaction, its repositories, and what leaves after its commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from core.config import Settings
from core.errors import Conflict, ServiceUnavailable
from core.store.api_keys import ApiKeyLookup, ApiKeys
from core.store.audit import AuditLog, AuditWriter
from core.store.block_logs import BlockLogs, BlockLogWriter
from core.store.chats import Chats
from core.store.chunks import Chunks
from core.store.connections import replace_lost_connections
from core.store.document_jobs import DocumentJobs
from core.store.documents import Documents
from core.store.executions import ExecutionJobs, Executions
from core.store.files import Files
from core.store.hits import Hits
from core.store.idempotency import IdempotencyKeys, IdempotentAnswers
from core.store.knowledge_bases import KnowledgeBases
from core.store.members import Members
from core.store.messages import Messages, TurnJobs
from core.store.model_providers import ModelProviders
from core.store.postings import Postings
from core.store.sealed import SealedValues
from core.store.secrets import Secrets
from core.store.sessions import Sessions
from core.store.usage import Usage
from core.store.users import Users
from core.store.vectors import Vectors
from core.store.workflows import Workflows
from core.store.workspaces import Workspaces

_RACES: Final = ("23505", "23503")  # unique and foreign keys; the rest are our own mistakes

AfterCommit = Callable[[], Awaitable[None]]


class _Transaction:
    """A session, and the calls that wait for its commit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._waiting: list[AfterCommit] = []

    def after_commit(self, call: AfterCommit) -> None:
        """Have a job or a live event leave once the transaction is committed, never before."""
        self._waiting.append(call)

    async def flush(self) -> None:
        """Send pending writes, so that the database can refuse them here."""
        await self._session.flush()

    async def run_waiting(self) -> None:
        for call in self._waiting:
            await call()


class Unit(_Transaction):
    """One transaction in one workspace: its repositories see no other."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        super().__init__(session)
        self.workspace_id = workspace_id
        self.api_keys = ApiKeys(session, workspace_id)
        self.files = Files(session, workspace_id)
        self.bases = KnowledgeBases(session, workspace_id)
        self.documents = Documents(session, workspace_id)
        self.chunks = Chunks(session, workspace_id)
        self.postings = Postings(session, workspace_id)
        self.vectors = Vectors(session, workspace_id)
        self.hits = Hits(session, workspace_id)
        self.workflows = Workflows(session, workspace_id)
        self.executions = Executions(session, workspace_id)
        self.block_logs = BlockLogs(session, workspace_id)
        self.chats = Chats(session, workspace_id)
        self.messages = Messages(session, workspace_id)
        self.secrets = Secrets(session, workspace_id)
        self.members = Members(session, workspace_id)
        self.audit = AuditLog(session, workspace_id)
        self.usage = Usage(session, workspace_id)
        self.model_providers = ModelProviders(session, workspace_id)
        self.idempotent_answers = IdempotentAnswers(session, workspace_id)


class SystemUnit(_Transaction):
    """One transaction above workspaces: sign-in, claims of jobs, upkeep."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session)
        self.users = Users(session)
        self.sessions = Sessions(session)
        self.api_keys = ApiKeyLookup(session)
        self.workspaces = Workspaces(session)
        self.document_jobs = DocumentJobs(session)
        self.execution_jobs = ExecutionJobs(session)
        self.turn_jobs = TurnJobs(session)
        self.audit = AuditWriter(session)
        self.idempotency = IdempotencyKeys(session)
        self.sealed_values = SealedValues(session)


OpenUnit = Callable[[str], AbstractAsyncContextManager[Unit]]
OpenSystemUnit = Callable[[], AbstractAsyncContextManager[SystemUnit]]


class Store:
    """The database: opens units. Make it after fork, one a process and event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.block_log_writer = BlockLogWriter(engine)

    @asynccontextmanager
    async def unit(self, workspace_id: str) -> AsyncIterator[Unit]:
        """Open a unit in a workspace; committed at the end, rolled back on any error."""
        async with self._sessions() as session:
            unit = Unit(session, workspace_id)
            with _explained():
                yield unit
                await session.commit()
        await unit.run_waiting()

    @asynccontextmanager
    async def system(self) -> AsyncIterator[SystemUnit]:
        """Open a unit above workspaces; committed at the end, rolled back on any error."""
        async with self._sessions() as session:
            unit = SystemUnit(session)
            with _explained():
                yield unit
                await session.commit()
        await unit.run_waiting()

    async def answers(self) -> bool:
        """Return whether the database answers."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """Raise our own errors for two who make the same thing at once, and for a silent server."""
    try:
        yield
    except PoolTimeout as error:
        raise ServiceUnavailable("The database is busy; try again soon.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise ServiceUnavailable("The database does not answer; try again soon.") from error
        if getattr(error.orig, "sqlstate", None) in _RACES:
            message = "Somebody made or removed the same thing just now; look again."
            raise Conflict(message) from error
        raise


def async_url(url: str) -> str:
    """Return a ``postgresql://`` URL with the driver that the service uses."""
    scheme, rest = url.split("://", 1)
    if not scheme.startswith("postgres"):
        raise ValueError("NUXA_DATABASE_URL must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def open_store(database_url: str, settings: Settings) -> Store:
    """Return a store with its own connection pool."""
    engine = create_async_engine(
        async_url(database_url),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=30,
    )
    replace_lost_connections(engine)
    return Store(engine)

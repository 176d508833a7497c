"""The unit of work: one transaction, its repositories, and what leaves after its commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool

from core.config import Settings
from core.fair_limiter import FairLimiter
from core.store.agents import Agents, SharedAgentLookup
from core.store.api_keys import ApiKeyLookup, ApiKeys
from core.store.approvals import Approvals
from core.store.artifacts import ArtifactLookup, Artifacts
from core.store.audit import AuditLog, AuditWriter
from core.store.bearer_tokens import BearerTokens
from core.store.blob_keys import BlobKeys
from core.store.block_failures import BlockFailures
from core.store.block_logs import BlockLogs
from core.store.callers import KeyHolders
from core.store.chats import AnonymousChats, Chats
from core.store.checkpoints import Checkpoints
from core.store.chunk_edits import ChunkEdits
from core.store.chunk_records import ChunkRecords
from core.store.chunks import Chunks
from core.store.connections import replace_lost_connections
from core.store.document_queue import DocumentQueue
from core.store.documents import Documents
from core.store.driver import ask
from core.store.event_subscriptions import EventDeliveryJobs, EventSubscriptions
from core.store.execution_jobs import ExecutionJobs
from core.store.executions import Executions
from core.store.external_chunks import ExternalChunks
from core.store.files import File, Files
from core.store.first_chunks import FirstChunks
from core.store.hits import Hits
from core.store.idempotency import IdempotencyKeys, IdempotentAnswers
from core.store.invitations import InvitationLookup, Invitations
from core.store.job_queue import JobQueue
from core.store.knowledge_bases import KnowledgeBases
from core.store.linked_accounts import LinkedAccounts
from core.store.live_callers import LiveCallers
from core.store.live_rights import LiveRightsLookup
from core.store.mail_triggers import MailTriggerJobs, MailTriggers
from core.store.measures import Measures
from core.store.members import Members
from core.store.messages import Messages, TurnJobs
from core.store.model_providers import ModelProviders
from core.store.passkeys import Passkeys
from core.store.pauses import PauseJobs, Pauses
from core.store.postings import Postings
from core.store.program_grants import ProgramGrants
from core.store.published_chats import PublishedChats
from core.store.rechunkings import Rechunking, Rechunkings
from core.store.reembeddings import Reembedding, ReembeddingLeftovers, Reembeddings
from core.store.run_statistics import RunStatistics
from core.store.run_writer import RunWriter
from core.store.schedules import ScheduleJobs, Schedules
from core.store.sealed import SealedValues
from core.store.second_factors import RecoveryCodes, TotpFactors
from core.store.secrets import Secrets
from core.store.sent_webhooks import SentWebhooks
from core.store.sessions import Sessions
from core.store.subruns import SubRuns
from core.store.tool_sources import ToolSources
from core.store.transaction import R, Transaction, committed, repository
from core.store.turn_leases import TurnLeases
from core.store.usage import Usage
from core.store.users import Users
from core.store.vectors import Vectors
from core.store.voice_configs import VoiceConfigLookup, VoiceConfigs
from core.store.voice_events import VoiceEventJobs, VoiceEvents
from core.store.voice_recordings import VoiceRecordingJobs, VoiceRecordings
from core.store.voice_sessions import VoiceSessionJobs, VoiceSessions
from core.store.walls import POOL_SECONDS, UnitSession, enter_tenant_role
from core.store.webhooks import WebhookLookup, Webhooks
from core.store.workflow_documents import WorkflowDocuments
from core.store.workflow_operations import WorkflowOperations, WorkflowStandings
from core.store.workflows import Workflows
from core.store.workspace_locator import WorkspaceLocator
from core.store.workspaces import Workspaces

_PREPARED_STATEMENTS: Final = 500  # kept by a connection


class Unit(Transaction):
    """One transaction in one workspace: its repositories see no other."""

    api_keys = repository(ApiKeys)
    files = repository(Files)
    artifacts = repository(Artifacts)
    bases = repository(KnowledgeBases)
    documents = repository(Documents)
    chunks = repository(Chunks)
    chunk_edits = repository(ChunkEdits)
    first_chunks = repository(FirstChunks)
    external_chunks = repository(ExternalChunks)
    chunk_records = repository(ChunkRecords)
    postings = repository(Postings)
    vectors = repository(Vectors)
    reembeddings = repository(Reembeddings)
    rechunkings = repository(Rechunkings)
    hits = repository(Hits)
    measures = repository(Measures)
    workflows = repository(Workflows)
    workflow_operations = repository(WorkflowOperations)
    workflow_documents = repository(WorkflowDocuments)
    webhooks = repository(Webhooks)
    published_chats = repository(PublishedChats)
    schedules = repository(Schedules)
    mail_triggers = repository(MailTriggers)
    executions = repository(Executions)
    run_statistics = repository(RunStatistics)
    block_logs = repository(BlockLogs)
    block_failures = repository(BlockFailures)
    pauses = repository(Pauses)
    subruns = repository(SubRuns)
    sent_webhooks = repository(SentWebhooks)
    event_subscriptions = repository(EventSubscriptions)
    agents = repository(Agents)
    tool_sources = repository(ToolSources)
    chats = repository(Chats)
    messages = repository(Messages)
    approvals = repository(Approvals)
    checkpoints = repository(Checkpoints)
    secrets = repository(Secrets)
    members = repository(Members)
    invitations = repository(Invitations)
    audit = repository(AuditLog)
    usage = repository(Usage)
    model_providers = repository(ModelProviders)
    idempotent_answers = repository(IdempotentAnswers)
    voice_configs = repository(VoiceConfigs)
    voice_sessions = repository(VoiceSessions)
    voice_recordings = repository(VoiceRecordings)
    voice_events = repository(VoiceEvents)

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        super().__init__(session)
        self.workspace_id = workspace_id

    def _make(self, kind: Callable[..., R]) -> R:
        return kind(self._session, self.workspace_id)


class SystemUnit(Transaction):
    """One transaction above workspaces: sign-in, claims of jobs, upkeep."""

    users = repository(Users)
    sessions = repository(Sessions)
    api_keys = repository(ApiKeyLookup)
    bearer_tokens = repository(BearerTokens)
    program_grants = repository(ProgramGrants)
    linked_accounts = repository(LinkedAccounts)
    totp_factors = repository(TotpFactors)
    recovery_codes = repository(RecoveryCodes)
    passkeys = repository(Passkeys)
    invitations = repository(InvitationLookup)
    workspaces = repository(Workspaces)
    artifact_tokens = repository(ArtifactLookup)
    shared_agents = repository(SharedAgentLookup)
    anonymous_chats = repository(AnonymousChats)
    webhook_targets = repository(WebhookLookup)
    document_jobs = repository(DocumentQueue)
    file_jobs = repository(lambda session: JobQueue(session, File))
    execution_jobs = repository(ExecutionJobs)
    schedule_jobs = repository(ScheduleJobs)
    mail_triggers = repository(MailTriggerJobs)
    pause_jobs = repository(PauseJobs)
    turn_jobs = repository(TurnJobs)
    reembedding_jobs = repository(lambda session: JobQueue(session, Reembedding))
    rechunking_jobs = repository(lambda session: JobQueue(session, Rechunking))
    reembedding_leftovers = repository(ReembeddingLeftovers)
    event_deliveries = repository(EventDeliveryJobs)
    audit = repository(AuditWriter)
    idempotency = repository(IdempotencyKeys)
    voice_configs = repository(VoiceConfigLookup)
    voice_sessions = repository(VoiceSessionJobs)
    voice_recordings = repository(VoiceRecordingJobs)
    voice_events = repository(VoiceEventJobs)
    sealed_values = repository(SealedValues)
    blob_keys = repository(BlobKeys)
    workflow_standings = repository(WorkflowStandings)
    live_rights = repository(LiveRightsLookup)
    workspace_locator = repository(WorkspaceLocator)

    def _make(self, kind: Callable[..., R]) -> R:
        return kind(self._session)


OpenUnit = Callable[[str], AbstractAsyncContextManager[Unit]]
OpenSystemUnit = Callable[[], AbstractAsyncContextManager[SystemUnit]]


class Store:
    """The database: opens units. Make it after fork, one a process and event loop."""

    def __init__(self, engine: AsyncEngine, tenants: AsyncEngine, writer: AsyncEngine) -> None:
        """``engine`` works as the database's user, ``tenants`` under row-level security, and
        ``writer`` like the first, for what is written of runs."""
        self.engine, self._tenants, self._writer = engine, tenants, writer
        self._above, self._inside = _sessions(engine), _sessions(tenants)
        ask_above = partial(ask, _committing(engine))
        self.run_writer = RunWriter(partial(ask, _committing(writer)))
        self.turn_leases = TurnLeases(ask_above)
        self.key_holders = KeyHolders(ask_above)
        self.live_callers = LiveCallers(ask_above)

    @asynccontextmanager
    async def unit(self, workspace_id: str) -> AsyncIterator[Unit]:
        """Open a unit in a workspace; committed at the end, rolled back on any error."""
        unit = Unit(self._inside(workspace_id=workspace_id), workspace_id)
        async with committed(unit):
            yield unit
        await unit.run_waiting()

    @asynccontextmanager
    async def system(self) -> AsyncIterator[SystemUnit]:
        """Open a unit above workspaces; committed at the end, rolled back on any error."""
        unit = SystemUnit(self._above())
        async with committed(unit):
            yield unit
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
        for engine in (self.engine, self._tenants, self._writer):
            await engine.dispose()


def _sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    pool = engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    return async_sessionmaker(
        engine,
        sync_session_class=UnitSession,
        expire_on_commit=False,
        limiter=FairLimiter(pool.size()),
    )


def _committing(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine as one that commits each statement by itself."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def async_url(url: str) -> str:
    """Return a ``postgresql://`` URL with the driver that the service uses."""
    scheme, rest = url.split("://", 1)
    if not scheme.startswith("postgres"):
        raise ValueError("NUXA_DATABASE_URL must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def open_store(database_url: str, settings: Settings) -> Store:
    """Return a store with its own connection pools: most of the connections are for workspaces."""
    size = settings.database_pool_size
    above = max(1, size * 3 // 10)
    engine, tenants = _engine(database_url, above), _engine(database_url, max(1, size - above - 1))
    enter_tenant_role(tenants)
    return Store(engine, tenants, _engine(database_url, 1))


def _engine(database_url: str, size: int) -> AsyncEngine:
    engine = create_async_engine(
        async_url(database_url),
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        # The server keeps plans for each connection: the fewer are used, the sooner each is warm.
        pool_use_lifo=True,
        connect_args={"prepared_statement_cache_size": _PREPARED_STATEMENTS},
    )
    replace_lost_connections(engine)
    return engine

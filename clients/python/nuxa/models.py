"""What the service answers. Fields that a newer service adds are kept as attributes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class Workflow(Answer):
    """A list leaves the parts of the definition away."""

    id: str
    name: str
    description: str | None
    workspace_id: str
    version: int
    is_deployed: bool
    blocks: dict[str, Any] | None = None
    edges: list[Any] | None = None
    loops: dict[str, Any] | None = None
    parallels: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


class Imported(Answer):
    """``warnings`` names what has no counterpart here."""

    workflow: Workflow
    warnings: list[str]


class Template(Answer):
    id: str
    name: str
    category: str
    description: str
    sample_input: dict[str, Any]
    workflow: dict[str, Any]


class Version(Answer):
    """A snapshot of a workflow; a list leaves the parts of the definition away."""

    number: int
    name: str | None
    reason: str
    is_deployed: bool
    created_at: datetime
    blocks: dict[str, Any] | None = None
    edges: list[Any] | None = None
    loops: dict[str, Any] | None = None
    parallels: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


class Validity(Answer):
    valid: bool
    issues: list[dict[str, Any]]


class RunTimes(Answer):
    """``duration`` in milliseconds."""

    duration: int | None
    start_time: datetime | None
    end_time: datetime | None


class RunResult(Answer):
    """How a run ended that was waited for; one whose ``status`` is ``paused`` waits for an answer
    to ``context_id``."""

    success: bool
    execution_id: str
    status: str
    output: Any = None
    error: dict[str, Any] | None = None
    metadata: RunTimes | None = None
    context_id: str | None = None
    resume_url: str | None = None
    contexts: list[dict[str, Any]] | None = None


class SentWebhook(Answer):
    id: str
    block_id: str
    url: str
    status: str
    attempts: list[dict[str, Any]]


class Started(Answer):
    """A run that goes on by itself."""

    execution_id: str
    status_url: str


class Schedule(Answer):
    workflow_id: str
    cron: str
    timezone: str
    misfire: str
    enabled: bool
    input: dict[str, Any]
    next_fire_at: datetime | None


class ScheduleFire(Answer):
    """A fire time that came: ``waiting``, ``started``, ``missed`` or ``failed``."""

    fire_at: datetime
    status: str
    execution_id: str | None
    error: dict[str, Any] | None


class ChatSettings(Answer):
    """How a workflow is published as a chat."""

    workflow_id: str
    greeting: str | None
    memory_messages: int
    created_at: datetime
    updated_at: datetime


class WebhookSettings(Answer):
    workflow_id: str
    url: str
    auth: str
    mode: str
    allowed_addresses: list[str]
    has_secret: bool


class WebhookDelivery(Answer):
    """A webhook that was taken; ``status`` is its run's."""

    id: str
    delivery_id: str | None
    execution_id: str
    status: str | None
    event: str | None
    method: str
    address: str
    redelivery_of: str | None
    created_at: datetime


class WebhookRun(Answer):
    """``result`` is there if the run was waited for."""

    success: bool
    execution_id: str
    result: Any = None
    error: dict[str, Any] | None = None


class Execution(Answer):
    id: str
    workflow_id: str
    version: int | None
    status: str
    trigger: str
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    cost: float | None = None
    usage: dict[str, Any] | None = None
    pause: dict[str, Any] | None = None


class ExecutionLog(Execution):
    trace_spans: list[dict[str, Any]]
    definition: dict[str, Any]


class BlockLog(Answer):
    id: str
    block_id: str
    block_name: str
    block_type: str
    status: str
    input_data: Any = None
    output_data: Any = None
    error_message: str | None = None
    duration_ms: int


class Citation(Answer):
    n: int
    document_id: str
    document_name: str
    chunk_id: str
    page: int | None
    quote: str
    start_offset: int | None
    end_offset: int | None
    edited: bool | None = None


class ChatReply(Answer):
    chat_id: str
    message_id: str
    content: str
    citations: list[Citation]
    tool_calls: list[dict[str, Any]]
    usage: dict[str, Any] | None
    model: str | None
    notice: dict[str, Any] | None = None
    """Who answered, where no language model did: ``code`` and ``message``."""


class Message(Answer):
    id: str
    chat_id: str
    role: str
    content: str
    status: str
    citations: list[Citation]
    notice: dict[str, Any] | None = None
    created_at: datetime


class Checkpoint(Answer):
    """What a workflow was before the copilot changed it."""

    id: str
    workflow_id: str
    chat_id: str | None
    message_id: str | None
    version: int
    reverted_at: datetime | None
    created_at: datetime


class ToolSource(Answer):
    """Where tools of others come from; values of ``headers`` are masked."""

    id: str
    name: str
    kind: str
    url: str
    document_url: str | None
    headers: dict[str, str]
    trust_read_only: bool
    tools: list[dict[str, Any]]
    left_out: list[str]


class AgentShare(Answer):
    """Share link of an agent; ``token`` and ``url`` are given once, when it is made."""

    expires_at: datetime | None
    messages_per_day: int
    messages_per_address: int
    token: str | None = None
    url: str | None = None


class VisitorReply(Answer):
    """Answer of a shared agent."""

    chat_id: str
    message_id: str
    content: str
    citations: list[dict[str, Any]]


class CopilotAgent(Answer):
    """A deployment of the copilot."""

    id: str
    name: str
    system_prompt: str
    model: str | None
    knowledge_base_ids: list[str]
    tools: list[str]
    approvals: str
    public: bool
    share: AgentShare | None = None


class Chat(Answer):
    id: str
    title: str
    mode: str
    workflow_id: str | None
    agent_id: str | None = None
    created_at: datetime
    updated_at: datetime


class KnowledgeBase(Answer):
    id: str
    name: str
    description: str | None
    language: str
    embedding_model: str
    embedding_dimensions: int
    reembedding: dict[str, Any] | None = None  # a change of model: its status and progress
    chunking: dict[str, Any] = Field(default_factory=dict)
    rechunking: dict[str, Any] | None = None  # a change of chunking: its status and progress
    document_count: int
    chunk_count: int
    token_count: int


class Document(Answer):
    id: str
    knowledge_base_id: str
    name: str
    status: str
    stage: str | None
    progress: float
    seconds_left: float | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    error: dict[str, Any] | None = None
    duplicate_of: str | None = None


class Chunk(Answer):
    id: str
    index: int
    content: str
    page: int | None
    start_offset: int | None
    end_offset: int | None
    origin: str  # document, edited or added


class Chunks(Answer):
    data: list[Chunk]


class SearchResult(Answer):
    id: str
    knowledge_base_id: str | None = None  # of a search in several bases
    knowledge_base_name: str | None = None
    document_id: str
    document_name: str
    content: str
    score: float
    scores: dict[str, float | None]
    chunk_index: int
    metadata: dict[str, Any]
    highlights: list[str]
    citation: dict[str, Any]


class SearchReply(Answer):
    results: list[SearchResult]
    query: str
    top_k: int
    mode: str
    total_results: int
    timings: dict[str, float]
    rewrites: list[str]


class File(Answer):
    id: str
    name: str
    size: int
    mime_type: str
    checksum: str
    status: str


class FileStatus(Answer):
    """How far the reading of a file is; ``text_length`` counts code points."""

    id: str
    status: str
    stage: str | None
    progress: float
    pages_done: int
    pages_total: int | None
    error: dict[str, Any] | None
    text_length: int | None


class FileText(Answer):
    file_id: str
    text: str
    offset: int
    total_length: int
    next_offset: int | None
    pages: list[dict[str, int]]


class Artifact(Answer):
    id: str
    type: str
    title: str
    size: int
    visibility: str
    expires_at: datetime | None
    created_at: datetime
    token: str | None = None
    """With ``url``, only in the answer that created it."""
    url: str | None = None


class Tool(Answer):
    name: str
    description: str
    parameters: dict[str, Any]
    category: str | None = None
    configured: bool | None = None


class ToolResult(Answer):
    success: bool
    output: Any = None
    error: Any = None
    artifacts: list[dict[str, Any]] | None = None
    """What a tool of the copilot's made to be looked at."""
    duration_ms: float

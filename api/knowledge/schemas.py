"""Bodies and answers of the knowledge routes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from api.ocr import Languages, Ocr
from api.paging import PageQuery
from api.wire import Flag, Name, Wire, left_away
from core.text import LANGUAGES

_LARGEST_METADATA: Final = 16 * 1024  # characters of JSON


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"must be one of {', '.join(sorted(LANGUAGES))}")
    return language


def _small(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(metadata)) > _LARGEST_METADATA:
        raise ValueError(f"must be at most {_LARGEST_METADATA} characters of JSON")
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_small)]
Description = Annotated[str, StringConstraints(max_length=2000)]


class Chunking(Wire):
    """How documents are cut; tokens are those of the embedding model, no passage spans pages.

    ``auto``: headings open a passage once there is enough before them. ``title``: every heading
    does. ``table``: so it is, and every row of a table is a passage, with the table's head beside
    it. ``page`` and ``recursive``: none does, sentences are packed by size.
    """

    strategy: Literal["auto", "title", "recursive", "page", "table"] = "auto"
    max_tokens: int = Field(200, ge=32, le=200)
    overlap_tokens: int = Field(0, ge=0, le=100)
    parent_tokens: int | None = Field(None, ge=100, le=4000)

    @field_validator("overlap_tokens")
    @classmethod
    def _at_most_half(cls, overlap_tokens: int, info: ValidationInfo) -> int:
        if overlap_tokens > info.data.get("max_tokens", overlap_tokens * 2) / 2:
            raise ValueError("must be at most half of maxTokens")
        return overlap_tokens


class NewBase(Wire):
    name: Name
    description: Description | None = None
    language: Annotated[str, AfterValidator(_language)] = "en"
    embedding_model: str | None = None
    chunking: Chunking | None = None


class BasePatch(Wire):
    name: Name = ""
    description: Description | None = None
    embedding_model: Annotated[str, StringConstraints(min_length=1)] = ""
    chunking: Chunking | None = None


class RechunkingAnswer(Wire):
    """A change of chunking that goes on in the background, or that failed; ``progress`` is 0 to 1.

    Documents that failed keep their passages.
    """

    status: Literal["pending", "processing", "failed"]
    progress: float
    seconds_left: float | None
    documents_done: int
    documents_failed: int
    documents_total: int
    error: dict[str, Any] | None


class ReembeddingAnswer(Wire):
    """A change of model that goes on in the background, or that failed; ``progress`` is 0 to 1."""

    embedding_model: str = Field(validation_alias="model", serialization_alias="embeddingModel")
    embedding_dimensions: int = Field(
        validation_alias="dimensions", serialization_alias="embeddingDimensions"
    )
    status: Literal["pending", "processing", "failed"]
    progress: float
    seconds_left: float | None
    error: dict[str, Any] | None


class BaseAnswer(Wire):
    id: str
    name: str
    description: str | None
    workspace_id: str
    language: str
    embedding_model: str
    embedding_dimensions: int
    chunking: dict[str, Any]
    document_count: int
    chunk_count: int
    token_count: int
    reembedding: ReembeddingAnswer | None = None
    rechunking: RechunkingAnswer | None = None
    created_at: datetime
    updated_at: datetime


class BaseQuery(
    PageQuery[Literal["createdAt", "updatedAt", "name", "documentCount", "chunkCount"]]
):
    search: str | None = None


_ONE_SOURCE: Final[list[JsonValue]] = [
    {"required": [name], "properties": {name: {"type": "string"}}}
    for name in ("fileId", "text", "url")
]


class Reading(Wire):
    """How a document is to be read: which pages are recognised, and in which languages.

    Unset, pages without text are, in the base's language and the server's.
    """

    ocr: Ocr | None = None
    languages: Languages = None


class FormFields(Reading):
    metadata: Metadata = Field(default_factory=dict)


class NewDocument(Reading):
    """One source: an uploaded file's id, a text, or a URL to fetch."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_SOURCE})

    file_id: str | None = None
    text: Annotated[str, StringConstraints(min_length=1)] | None = None
    url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> NewDocument:
        if sum(source is not None for source in (self.file_id, self.text, self.url)) != 1:
            raise ValueError("give exactly one of fileId, text and url")
        return self


class DocumentPatch(Wire):
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] = ""
    enabled: Flag = True
    metadata: Metadata = Field(default_factory=dict)


class DocumentAnswer(Wire):
    id: str
    knowledge_base_id: str = Field(
        validation_alias="base_id", serialization_alias="knowledgeBaseId"
    )
    file_id: str | None
    source_url: str | None
    name: str
    size: int  # bytes
    mime_type: str
    checksum: str
    metadata: dict[str, Any] = Field(validation_alias="meta", serialization_alias="metadata")
    enabled: bool
    status: str
    stage: str | None
    progress: float
    pages_done: int
    pages_total: int | None
    seconds_left: float | None  # an estimate, while it is processed
    chunk_count: int
    token_count: int
    attempts: int
    quality: dict[str, Any] | None
    error: dict[str, Any] | None
    # Why it could not be read again for another chunking, and so kept its passages.
    rechunk_error: dict[str, Any] | None = left_away()
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class DocumentEvent(Wire):
    """How far a document is; the last event says how it ended, or that it was deleted."""

    type: Literal[
        "document:progress",
        "document:completed",
        "document:failed",
        "document:cancelled",
        "document:deleted",
    ]
    data: DocumentAnswer | None


class DuplicateAnswer(DocumentAnswer):
    """The base held this content already; ``duplicateOf`` is the document that stands for it."""

    duplicate_of: str


class DocumentQuery(
    PageQuery[
        Literal["createdAt", "updatedAt", "name", "size", "status", "chunkCount", "tokenCount"]
    ]
):
    search: str | None = None
    status: Literal["pending", "processing", "completed", "failed", "cancelled"] | None = None


class ChunkAnswer(Wire):
    """A passage; its offsets are null where its text does not occur in the document.

    ``origin`` is ``document`` as it was read, ``edited`` when somebody changed its text, ``added``
    when somebody wrote it.
    """

    id: str
    index: int
    content: str
    token_count: int
    page: int | None
    bbox: list[float] | None
    heading_path: list[str]
    start_offset: int | None
    end_offset: int | None
    origin: Literal["document", "edited", "added"]
    metadata: dict[str, Any] = Field(validation_alias="meta", serialization_alias="metadata")
    enabled: bool


ChunkId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ChunkText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Heading = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class NewChunk(Wire):
    """A passage of somebody's own words; ``index`` is its place, by default behind the last one."""

    content: ChunkText
    index: int | None = Field(None, ge=0)
    page: int | None = Field(None, ge=1, le=1_000_000)
    heading_path: list[_Heading] = Field(default=[], max_length=10)
    enabled: Flag = True


class ChunkSplit(Wire):
    """Where to split a passage: ``offset`` counts code points of its content."""

    offset: int = Field(ge=1)


class ChunkMerge(Wire):
    """Passages of one document that follow each other."""

    chunk_ids: list[ChunkId] = Field(min_length=1, max_length=50)


class ChunkPatch(Wire):
    content: ChunkText = ""
    enabled: Flag = True

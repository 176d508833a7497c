"""Bodies and answers of the file routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from api.ocr import Languages, Ocr
from api.paging import PageQuery
from api.wire import Flag, Wire
from core.store.files import File

Operation = Literal["extract", "ocr"]


class FileAnswer(Wire):
    id: str
    name: str
    size: int  # bytes
    mime_type: str
    checksum: str  # SHA-256, hexadecimal
    status: str
    created_at: datetime
    updated_at: datetime


class FilePatch(Wire):
    name: str = Field("", min_length=1, max_length=255)


class FileQuery(PageQuery[Literal["createdAt", "updatedAt", "name", "size", "mimeType", "status"]]):
    search: str | None = None


class Processing(Wire):
    """How a file is to be read.

    ``ocr`` says which pages are recognised; unset, it is ``auto`` (pages without text) where the
    operations name ``ocr``, ``force`` (all pages) where they name nothing else, else ``off``.
    ``force`` reads again what was read in the same way already.
    """

    operations: list[Operation] = Field(default=["extract", "ocr"], min_length=1)
    languages: Languages = None
    ocr: Ocr | None = None
    force: Flag = False

    @model_validator(mode="after")
    def _something_to_do(self) -> Processing:
        if set(self.operations) == {"ocr"} and self.ocr == "off":
            raise ValueError("the operation ocr alone with ocr off leaves nothing to do")
        return self

    @property
    def wanted_ocr(self) -> Ocr:
        if self.ocr is not None:
            return self.ocr
        if "ocr" not in self.operations:
            return "off"
        return "auto" if "extract" in self.operations else "force"


class StatusAnswer(Wire):
    """How far the reading of a file is; ``textLength`` counts code points."""

    id: str
    status: str
    stage: str | None
    progress: float
    pages_done: int
    pages_total: int | None
    seconds_left: float | None  # an estimate, while it is read
    attempts: int
    ocr: Ocr | None
    languages: list[str] | None
    quality: dict[str, Any] | None
    error: dict[str, Any] | None
    text_length: int | None
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, file: File) -> StatusAnswer:
        how = file.reading or {}
        languages = how["languages"].split("+") if "languages" in how else None
        fields = {name: getattr(file, name) for name in cls.model_fields if hasattr(file, name)}
        return cls(**fields, ocr=how.get("ocr"), languages=languages)


class FileEvent(Wire):
    """How far the reading of a file is; the last event says how it ended, or that it is gone."""

    type: Literal[
        "file:progress", "file:completed", "file:failed", "file:cancelled", "file:deleted"
    ]
    data: StatusAnswer | None


class TextQuery(Wire):
    """A part of the text: of one ``page``, or from code point ``offset`` on, ``limit`` of them."""

    page: int | None = Field(None, ge=1)
    offset: int = Field(0, ge=0)
    limit: int = Field(100_000, ge=1, le=1_000_000)
    format: Literal["json", "text"] = "json"


class PageSpan(Wire):
    page: int  # from 1
    start_offset: int  # code points in the whole text
    end_offset: int


class TextAnswer(Wire):
    """A part of a file's text, and the pages that it touches."""

    file_id: str
    text: str
    offset: int
    total_length: int
    next_offset: int | None
    pages: list[PageSpan]

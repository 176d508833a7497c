"""Bodies and answers of the artifact routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from api.paging import PageQuery
from api.wire import Moment, Name, Wire
from pipelines.artifacts import Type, Visibility


class NewArtifact(Wire):
    """What to show: a text (``png`` and ``pdf`` in base64), or an uploaded file's id.

    ``public`` shows it to whoever has the token, ``workspace`` to members of the workspace.
    """

    type: Type
    title: Name
    content: Annotated[str, StringConstraints(min_length=1)] | None = None
    file_id: str | None = None
    expires_at: Moment | None = None
    visibility: Visibility = "workspace"

    @model_validator(mode="after")
    def _one_source(self) -> NewArtifact:
        if (self.content is None) == (self.file_id is None):
            raise ValueError("give exactly one of content and fileId")
        return self


class ArtifactAnswer(Wire):
    id: str
    type: Type
    title: str
    size: int  # bytes
    visibility: Visibility
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewArtifactAnswer(ArtifactAnswer):
    """With the token, which is told this once, and the URL that it makes."""

    token: str
    url: str


class ArtifactQuery(PageQuery[Literal["createdAt", "updatedAt", "title", "size", "type"]]):
    search: str | None = None

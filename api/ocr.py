"""How pages are to be recognised, as bodies of files and of documents say it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

# Of Tesseract; the two letters of a base's language serve too.
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(_[A-Za-z]+)?$")]
Languages = Annotated[list[Language] | None, Field(min_length=1, max_length=8)]
Ocr = Literal["auto", "force", "off"]


async def tesseract_names(languages: Sequence[str]) -> str:
    """Return Tesseract's names, joined by ``+``; raises ``ValidationFailed`` for unknown ones."""
    from ingest.languages import named

    return await asyncio.to_thread(named, languages)

"""Reading an uploaded file: asked for, watched, stopped, and its text."""

from __future__ import annotations

from collections.abc import AsyncIterator

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.errors import found
from api.files.schemas import FileEvent, PageSpan, Processing, StatusAnswer, TextAnswer, TextQuery
from api.ocr import tesseract_names
from api.progress import follow
from api.stream import last_event_id, stream_events
from core import intake
from core.blobs.text import read_text
from core.errors import Conflict, NotFound
from core.store.files import File


@endpoint("POST", "/api/files/<file_id>/process", access=WRITE, status=202)
async def process_file(call: Call, file_id: str, body: Processing) -> StatusAnswer:
    """Have a worker read the file; the same again is answered with what there is."""
    default = call.services.settings.ocr_languages
    languages = await tesseract_names(body.languages) if body.languages else default
    file = found(await call.unit.files.get(file_id), "file")
    reading = {"ocr": body.wanted_ocr, "languages": languages}
    await intake.read_file(call.unit, file, reading, call.services.queue, body.force)
    return StatusAnswer.of(await call.unit.files.fresh(file))


@endpoint("GET", "/api/files/<file_id>/status", access=READ)
async def file_status(call: Call, file_id: str) -> StatusAnswer:
    """Tell how far the reading of the file is."""
    return StatusAnswer.of(found(await call.unit.files.get(file_id), "file"))


@endpoint(
    "GET",
    "/api/files/<file_id>/stream",
    access=READ,
    answers={200: Media("text/event-stream", FileEvent)},
    headers=("Last-Event-ID",),
)
async def stream_file(call: Call, file_id: str) -> Reply:
    """Follow the reading of a file: its status now, whenever it changes, and at its end."""
    found(await call.unit.files.get(file_id), "file")

    async def look() -> StatusAnswer | None:
        async with call.services.store.unit(call.workspace_id) as unit:
            file = await unit.files.get(file_id)
            return None if file is None else StatusAnswer.of(file)

    return stream_events(follow(look, "file", last_event_id(call)))


@endpoint("POST", "/api/files/<file_id>/process/cancel", access=WRITE)
async def cancel_processing(call: Call, file_id: str) -> StatusAnswer:
    """Stop the reading of the file; text of an earlier reading stays."""
    file = found(await call.unit.files.get(file_id), "file")
    await intake.cancel_file(call.unit, file)
    return StatusAnswer.of(await call.unit.files.fresh(file))


@endpoint(
    "GET",
    "/api/files/<file_id>/text",
    access=READ,
    answers={200: (TextAnswer, Media("text/plain"))},
    errors=(Conflict,),
)
async def file_text(call: Call, file_id: str, query: TextQuery) -> Reply:
    """Give the file's text in parts of JSON, or (``format=text``) streamed as plain text."""
    async with call.services.store.unit(call.workspace_id) as unit:
        file = found(await unit.files.get(file_id), "file")
        spans = await unit.files.pages_of_text(file.id)
    if file.text_key is None or file.text_length is None:
        raise Conflict("The file's text was not read yet; POST its /process and wait for the end.")
    pages = [PageSpan(page=n, start_offset=a, end_offset=b) for n, a, b in spans]
    start, end = _part(query, pages, file.text_length)
    text = read_text(call.services.blobs, file.text_key, start, end)
    if query.format == "text":
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        return Reply(headers=headers, stream=_encoded(text))
    return Reply(
        TextAnswer(
            file_id=file.id,
            text="".join([piece async for piece in text]),
            offset=start,
            total_length=file.text_length,
            next_offset=_next(query, end, file),
            pages=[p for p in pages if p.start_offset < end and p.end_offset > start],
        )
    )


def _part(query: TextQuery, pages: list[PageSpan], length: int) -> tuple[int, int]:
    """Return the first and the last code point, exclusive, of what is asked for."""
    if query.page is not None:
        span = next((page for page in pages if page.page == query.page), None)
        if span is None:
            raise NotFound(f"The file has no text on page {query.page}.")
        return span.start_offset, span.end_offset
    whole = query.format == "text" and "limit" not in query.model_fields_set
    start = min(query.offset, length)
    return start, length if whole else min(start + query.limit, length)


def _next(query: TextQuery, end: int, file: File) -> int | None:
    return end if query.page is None and end < (file.text_length or 0) else None


async def _encoded(text: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for piece in text:
        yield piece.encode()

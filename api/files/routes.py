"""Files of a workspace."""

from __future__ import annotations

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import endpoint
from api.errors import found
from api.files.download import BYTES, GIVEN, download_reply
from api.files.schemas import FileAnswer, FilePatch, FileQuery
from api.paging import Page, cursor_of
from api.uploads import Upload, take_upload
from core.errors import RangeNotSatisfiable
from core.removal import remove_file
from ingest.stored_files import clean_name


@endpoint("POST", "/api/files/upload", access=WRITE, status=201, multipart=True)
async def upload_file(call: Call) -> FileAnswer:
    """Store a file as it streams in; one that is refused leaves nothing behind."""

    async def record(upload: Upload) -> FileAnswer:
        async with call.services.store.unit(call.workspace_id) as unit:
            file = unit.files.add(upload.build_row(call.user_id))
            await unit.flush()
            return FileAnswer.model_validate(file)

    return await take_upload(call, (), record)


@endpoint("GET", "/api/files", access=READ)
async def list_files(call: Call, query: FileQuery) -> Page[FileAnswer]:
    """List the files, newest first."""
    page = await call.unit.files.page(query.request(), query.search)
    return Page(
        data=[FileAnswer.model_validate(row) for row in page.rows], next_cursor=cursor_of(page.next)
    )


@endpoint("GET", "/api/files/<file_id>", access=READ)
async def get_file(call: Call, file_id: str) -> FileAnswer:
    """Return what is known of a file."""
    return FileAnswer.model_validate(found(await call.unit.files.get(file_id), "file"))


@endpoint("PATCH", "/api/files/<file_id>", access=WRITE)
async def rename_file(call: Call, file_id: str, body: FilePatch) -> FileAnswer:
    """Rename a file."""
    file = found(await call.unit.files.get(file_id), "file")
    if "name" in body.changes():
        file.name = clean_name(body.name)
    await call.unit.flush()
    return FileAnswer.model_validate(file)


@endpoint(
    "GET",
    "/api/files/<file_id>/download",
    access=READ,
    answers={200: BYTES, 206: BYTES, 304: None},
    errors=(RangeNotSatisfiable,),
    headers=("Range", "If-Range", "If-None-Match"),
    gives={200: GIVEN, 206: (*GIVEN, "Content-Range"), 304: GIVEN},
)
async def download_file(call: Call, file_id: str) -> Reply:
    """Give the file back, whole or in a range, always as an attachment."""
    file = found(await call.unit.files.get(file_id), "file")
    return download_reply(call, file)


@endpoint("DELETE", "/api/files/<file_id>", access=WRITE, status=204)
async def delete_file(call: Call, file_id: str) -> None:
    """Delete a file; documents made from it stay."""
    file = found(await call.unit.files.get(file_id), "file")
    await remove_file(call.unit, call.services.blobs, file)
    call.audit("file.deleted", file.id, name=file.name)

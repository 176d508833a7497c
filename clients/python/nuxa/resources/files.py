"""Files: sent and fetched in pieces, whatever their size."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from nuxa.models import File, FileStatus, FileText
from nuxa.requests import (
    Door,
    Json,
    Listing,
    Request,
    Resource,
    Stream,
    listing,
    method,
    streaming,
)


class Files(Resource[Door]):
    @listing
    def list(self, *, search: str | None = None) -> Listing[File]:
        return Listing("/api/files", File, {"search": search})

    @method
    def upload(self, file: str | PathLike[str]) -> Request[File]:
        """Upload a file from disk."""
        return Request("POST", "/api/files/upload", File, file=Path(file))

    @method
    def get(self, file_id: str) -> Request[File]:
        return Request("GET", f"/api/files/{file_id}", File)

    @method
    def rename(self, file_id: str, name: str) -> Request[File]:
        return Request("PATCH", f"/api/files/{file_id}", File, json={"name": name})

    @method
    def download(self, file_id: str, to: str | PathLike[str]) -> Request[Path]:
        """Write a file to disk; return where."""
        return Request("GET", f"/api/files/{file_id}/download", save_to=Path(to))

    @method
    def content(self, file_id: str, *, start: int = 0, end: int | None = None) -> Request[bytes]:
        """Return a file's bytes from ``start`` up to, not with, ``end``."""
        is_part = start > 0 or end is not None
        last = "" if end is None else end - 1
        headers = {"Range": f"bytes={start}-{last}"} if is_part else {}
        return Request("GET", f"/api/files/{file_id}/download", bytes, headers=headers)

    @method
    def process(self, file_id: str, reading: Json | None = None) -> Request[FileStatus]:
        """Have a file read: ``{"ocr": "auto", "languages": ["en"], "force": False}``.

        The same reading again is answered with what there is.
        """
        path = f"/api/files/{file_id}/process"
        is_once = not (reading or {}).get("force")
        return Request("POST", path, FileStatus, json=reading or {}, is_read_only=is_once)

    @method
    def status(self, file_id: str) -> Request[FileStatus]:
        """Tell how far the reading of a file is."""
        return Request("GET", f"/api/files/{file_id}/status", FileStatus)

    @streaming
    def follow(self, file_id: str) -> Stream:
        """Iterate over how far the reading of a file is, to its end."""
        path = f"/api/files/{file_id}/stream"
        return Stream(Request("GET", path), lambda _: Request("GET", path))

    @method
    def cancel_processing(self, file_id: str) -> Request[FileStatus]:
        return Request("POST", f"/api/files/{file_id}/process/cancel", FileStatus, json={})

    @method
    def text(
        self, file_id: str, *, page: int | None = None, offset: int = 0, limit: int = 100_000
    ) -> Request[FileText]:
        """Return a part of a file's text; ``next_offset`` is where the next one begins."""
        query = {"page": page, "offset": offset, "limit": limit}
        return Request("GET", f"/api/files/{file_id}/text", FileText, query=query)

    @method
    def delete(self, file_id: str) -> Request[None]:
        return Request("DELETE", f"/api/files/{file_id}")

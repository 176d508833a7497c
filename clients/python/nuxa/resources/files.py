"""Files: sent and fetched in pieces, whatever their size."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from nuxa.models import File
from nuxa.requests import Door, Listing, Request, Resource, listing, method


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
    def delete(self, file_id: str) -> Request[None]:
        return Request("DELETE", f"/api/files/{file_id}")

"""Bytes that are too large for a row, on disk or in S3-compatible storage."""

from __future__ import annotations

from core.blobs.disk import DiskBlobs
from core.blobs.port import Blobs, Stored
from core.config import Settings

__all__ = ["Blobs", "DiskBlobs", "Stored", "open_blobs"]


def open_blobs(settings: Settings) -> Blobs:
    """Return the configured blob storage; raises ``ValueError`` for a URL that is no s3:// one."""
    if settings.blob_url is None:
        return DiskBlobs(settings.data_dir / "blobs")
    from core.blobs.s3 import S3Blobs

    return S3Blobs(settings.blob_url, settings.blob_endpoint_url)

"""Blobs as objects in S3-compatible storage."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from core.blobs.port import Stored, is_key
from core.errors import NotFound, PayloadTooLarge
from core.ids import new_id

T = TypeVar("T")

_PART: Final = 8 * 1024**2  # S3 takes no part but the last under 5 MiB
_PIECE: Final = 1 << 20
_THREADS: Final = 16


class S3Blobs:
    """Keeps blobs under ``s3://bucket/prefix``; credentials are found as boto3 finds them.

    boto3 blocks, so each of its calls runs in a thread of its own pool.
    """

    def __init__(self, url: str, endpoint_url: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise ValueError("NUXA_BLOB_URL must look like s3://bucket/prefix")
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._client = _client(endpoint_url)

    async def put(self, chunks: AsyncIterator[bytes], limit: int, key: str | None = None) -> Stored:
        key = key or new_id("blob")
        if not is_key(key):
            raise NotFound("There is no such stored content.")
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        upload = _PartedUpload(self, self._name(key))
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise PayloadTooLarge(f"The file is larger than {limit} bytes.")
                digest.update(chunk)
                waiting += chunk
                while len(waiting) >= _PART:
                    await upload.add(bytes(waiting[:_PART]))
                    del waiting[:_PART]
            await upload.finish(bytes(waiting))
        except BaseException:
            await asyncio.shield(upload.discard())
            raise
        return Stored(key, size, digest.hexdigest())

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if end is not None and end <= start:
            return
        wanted = f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
        # An empty object has no range at all.
        options = {} if (start, end) == (0, None) else {"Range": wanted}
        body = (await self._get(key, **options))["Body"]
        try:
            while piece := await self.call(body.read, _PIECE):
                yield piece
        finally:
            body.close()

    @asynccontextmanager
    async def local_file(self, key: str) -> AsyncIterator[Path]:
        with tempfile.TemporaryDirectory(prefix="nuxa-blob-") as folder:
            path = Path(folder) / "blob"
            with path.open("wb") as file:
                async for piece in self.read(key):
                    await asyncio.to_thread(file.write, piece)
            yield path

    async def delete(self, key: str) -> None:
        if is_key(key):
            await self.request("delete_object", Key=self._name(key))

    async def keys_before(self, moment: datetime) -> AsyncIterator[str]:
        folder = self._name("")
        more: dict[str, str] = {}
        while True:
            page = await self.request("list_objects_v2", Prefix=folder, **more)
            for found in page.get("Contents", ()):
                key = str(found["Key"]).removeprefix(folder)
                if is_key(key) and found["LastModified"] < moment:
                    yield key
            if not page.get("IsTruncated"):
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
        await self._abort_before(moment, folder)

    async def _abort_before(self, moment: datetime, folder: str) -> None:
        uploads = await self.request("list_multipart_uploads", Prefix=folder)
        for found in uploads.get("Uploads", ()):
            if found["Initiated"] < moment:
                named = {"Key": found["Key"], "UploadId": found["UploadId"]}
                await self.request("abort_multipart_upload", **named)

    async def request(self, operation: str, **options: Any) -> dict[str, Any]:
        """Make one call of the S3 API on this bucket."""
        call = getattr(self._client, operation)
        return await self.call(partial(call, Bucket=self._bucket, **options))

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a blocking call of boto3 in the pool."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *arguments))

    async def _get(self, key: str, **options: str) -> dict[str, Any]:
        if not is_key(key):
            raise NotFound("There is no such stored content.")
        try:
            return await self.request("get_object", Key=self._name(key), **options)
        except self._client.exceptions.NoSuchKey as error:
            raise NotFound("The stored content is gone; upload it again.") from error

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


class _PartedUpload:
    """One object written in parts; a small one in a single call. Nothing is seen until the end.

    A step goes on in its thread when its caller is cancelled, so it is known until it has ended.
    """

    def __init__(self, blobs: S3Blobs, name: str) -> None:
        self._blobs = blobs
        self._name = name
        self._id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._step: asyncio.Task[None] | None = None

    async def add(self, content: bytes) -> None:
        await self._take(self._add(content))

    async def finish(self, rest: bytes) -> None:
        await self._take(self._finish(rest))

    async def _take(self, step: Coroutine[Any, Any, None]) -> None:
        self._step = asyncio.create_task(step)
        await asyncio.shield(self._step)

    async def _add(self, content: bytes) -> None:
        if self._id is None:
            begun = await self._blobs.request("create_multipart_upload", Key=self._name)
            self._id = str(begun["UploadId"])
        number = len(self._parts) + 1
        place = {"Key": self._name, "UploadId": self._id, "PartNumber": number}
        done = await self._blobs.request("upload_part", Body=content, **place)
        self._parts.append({"PartNumber": number, "ETag": done["ETag"]})

    async def _finish(self, rest: bytes) -> None:
        if self._id is None:
            await self._blobs.request("put_object", Key=self._name, Body=rest)
            return
        if rest:
            await self._add(rest)
        await self._blobs.request(
            "complete_multipart_upload",
            Key=self._name,
            UploadId=self._id,
            MultipartUpload={"Parts": self._parts},
        )
        self._id = None  # it is an object now

    async def discard(self) -> None:
        if self._step is not None:
            await asyncio.gather(self._step, return_exceptions=True)
        if self._id is not None:
            place = {"Key": self._name, "UploadId": self._id}
            await self._blobs.request("abort_multipart_upload", **place)
        else:
            await self._blobs.request("delete_object", Key=self._name)


def _client(endpoint_url: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=_THREADS,
        retries={"max_attempts": 3, "mode": "standard"},
        # Storage that only speaks S3's older dialect knows no trailing checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", endpoint_url=endpoint_url, config=config)

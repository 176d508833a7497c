"""A real S3 server (moto's) on loopback: it checks parts, ranges and names as S3 does."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def s3_server() -> Iterator[tuple[str, str, Callable[[], int]]]:
    """Serve; yield the URL, a bucket, and a count of objects and unfinished uploads."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        client = _client(url)
        bucket = f"documents-{secrets.token_hex(4)}"  # the server's memory outlives it
        client.create_bucket(Bucket=bucket)
        yield url, bucket, lambda: _held(client, bucket)
    finally:
        server.stop()


def _client(url: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=url)


def _held(client: Any, bucket: str) -> int:
    objects = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    uploads = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return len(objects) + len(uploads)

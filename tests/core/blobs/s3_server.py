"""As much of S3's HTTP as blobs need, in memory: the stand-in at the door to object storage."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Bucket:
    """``objects`` by path; ``uploads`` by id, each its path and parts that are not objects yet."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        path, query = self._asked()
        content = self._body()
        if "uploadId" in query:
            _, parts = self.bucket.uploads[query["uploadId"]]
            parts[int(query["partNumber"])] = content
        else:
            self.bucket.objects[path] = content
        self._answer(200, headers={"ETag": f'"{len(content)}"'})

    def do_POST(self) -> None:
        path, query = self._asked()
        self._body()
        if "uploads" in query:
            name = f"upload{len(self.bucket.uploads) + 1}"
            self.bucket.uploads[name] = (path, {})
            self._answer(200, f"<R><UploadId>{name}</UploadId></R>".encode())
            return
        _, parts = self.bucket.uploads.pop(query["uploadId"])
        self.bucket.objects[path] = b"".join(parts[number] for number in sorted(parts))
        self._answer(200, b"<R><ETag>done</ETag></R>")

    def do_GET(self) -> None:
        path, _ = self._asked()
        content = self.bucket.objects.get(path)
        if content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found:
            end = int(found[2]) + 1 if found[2] else len(content)
            content = content[int(found[1]) : end]
        self._answer(206 if found else 200, content)

    def do_DELETE(self) -> None:
        path, query = self._asked()
        if "uploadId" in query:
            self.bucket.uploads.pop(query["uploadId"])
        else:
            self.bucket.objects.pop(path, None)
        self._answer(204)

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        return parts.path, {name: values[0] for name, values in query.items()}

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(
        self, status: int, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """Serve on a loopback port until the end."""
    bucket = Bucket()
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        bucket.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield bucket
        server.shutdown()
        thread.join()

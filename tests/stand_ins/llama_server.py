"""A server in the place of llama.cpp's: ``python -m tests.stand_ins.llama_server home model``.

It speaks what llama.cpp's server speaks: a health check, a key, and streamed chat completions that
begin with a role and end with a chunk of usage and timings.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"finish_reason": reason, "index": 0, "delta": delta}
    return {
        "choices": [choice], "created": 1764700000, "id": "chatcmpl-1", "model": "local",
        "system_fingerprint": "b7000-0", "object": "chat.completion.chunk",
    }  # fmt: skip


def _chunks(body: dict[str, Any]) -> list[dict[str, Any]]:
    chunks = [_chunk({"role": "assistant", "content": None})]
    if body.get("tools") and body["messages"][-1]["role"] == "user":
        name = body["tools"][0]["function"]["name"]
        function = {"name": name, "arguments": ""}
        call = {"index": 0, "id": "call-1", "type": "function", "function": function}
        chunks.append(_chunk({"tool_calls": [call]}))
        for part in ("{", '"city":"Rome"', "}"):
            piece = {"index": 0, "function": {"arguments": part}}
            chunks.append(_chunk({"tool_calls": [piece]}))
        chunks.append(_chunk({}, "tool_calls"))
    else:
        chunks += [_chunk({"content": word}) for word in ("Good ", "morning.")]
        chunks.append(_chunk({}, "stop"))
    usage = {"completion_tokens": 2, "prompt_tokens": 3, "total_tokens": 5}
    return [*chunks, {**_chunk({}), "choices": [], "usage": usage, "timings": {"prompt_n": 3}}]


class _Handler(BaseHTTPRequestHandler):
    key = ""

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        self._send(200, "application/json", b'{"status":"ok"}')

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["authorization"] != f"Bearer {self.key}":
            error = {"code": 401, "message": "Invalid API Key", "type": "authentication_error"}
            self._send(401, "application/json", json.dumps({"error": error}).encode())
            return
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks(body)]
        self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    _Handler.key = (home / "key").read_text().strip()
    ThreadingHTTPServer(("127.0.0.1", int((home / "port").read_text())), _Handler).serve_forever()

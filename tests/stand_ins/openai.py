"""A server that speaks OpenAI's chat completions and refuses what the real one refuses.

It answers the replies it was given, one a request, in order; then what its script says to a
request, which is 500 unless another is set.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jsonschema

KEY = "sk-stand-in-0123456789"
MODELS = ("stand-in", "gpt-4o-mini")


@dataclass
class Reply:
    """One scripted answer; ``calls`` are ``(id, name, arguments)``, sent in small pieces."""

    text: str = ""
    thinking: str = ""
    calls: Sequence[tuple[str, str, str]] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: str = "failed"
    raw: bytes | None = None  # sent in place of the whole stream
    stall_after: int | None = None  # pieces after which nothing more is said
    cut_after: int | None = None  # pieces after which the connection is closed
    pause: float = 0.0  # seconds after each piece


def _no_reply_left(_: dict[str, Any]) -> Reply:
    return Reply(status=500, error="no reply left")


@dataclass
class OpenAIStandIn:
    """What was asked, and what will be answered."""

    base_url: str
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    disconnects: int = 0
    script: Callable[[dict[str, Any]], Reply] = _no_reply_left

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.disconnects += 1
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, headers, body = await _read(reader)
        refusal = _refusal(method, path, headers, body)
        if refusal:
            await _send_json(writer, refusal[0], {"error": refusal[1]})
            return
        self.requests.append(body)
        reply = self.replies.pop(0) if self.replies else self.script(body)
        if reply.status != 200:
            error = {"message": reply.error, "type": "error", "code": None}
            await _send_json(writer, reply.status, {"error": error}, reply.headers)
            return
        await self._stream(reader, writer, reply, body)

    async def _stream(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        reply: Reply,
        body: dict[str, Any],
    ) -> None:
        writer.write(_head(200, {"Content-Type": "text/event-stream"}))
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return
        for number, piece in enumerate(_pieces(reply, body)):
            if number == reply.cut_after:
                return
            if number == reply.stall_after:
                await reader.read()  # until the caller goes away
                self.disconnects += 1
                return
            writer.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
            await writer.drain()
            if reply.pause:
                await asyncio.sleep(reply.pause)
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()


@asynccontextmanager
async def openai_stand_in() -> AsyncIterator[OpenAIStandIn]:
    """Serve on a free port of the loopback interface."""
    stand_in = OpenAIStandIn("")
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield stand_in
    finally:
        server.close()


async def _read(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, path, headers, json.loads(body or b"{}")


def _refusal(
    method: str, path: str, headers: dict[str, str], body: dict[str, Any]
) -> tuple[int, dict[str, Any]] | None:
    def error(message: str, code: str | None = None) -> dict[str, Any]:
        return {"message": message, "type": "invalid_request_error", "param": None, "code": code}

    if (method, path) != ("POST", "/v1/chat/completions"):
        return 404, error(f"Unknown request URL: {method} {path}", "unknown_url")
    if headers.get("authorization") != f"Bearer {KEY}":
        sent = headers.get("authorization", "")
        return 401, error(f"Incorrect API key provided: {sent}", "invalid_api_key")
    if body.get("model") not in MODELS:
        return 404, error(f"The model {body.get('model')!r} does not exist", "model_not_found")
    problem = _problem_of_messages(body.get("messages")) or _problem_of_tools(body)
    problem = problem or _problem_of_format(body.get("response_format"))
    return (400, error(problem)) if problem else None


def _problem_of_messages(messages: Any) -> str | None:
    if not isinstance(messages, list) or not messages:
        return "'messages' must be a non-empty array"
    open_calls: set[str] = set()
    for message in messages:
        if message["role"] not in {"system", "developer", "user", "assistant", "tool"}:
            return f"invalid role {message['role']!r}"
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                return "messages with role 'tool' must answer a preceding 'tool_calls'"
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            return f"tool_call_ids did not have response messages: {sorted(open_calls)}"
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
        if message["role"] != "assistant" and not isinstance(message.get("content"), str | list):
            return "'content' must be a string or an array"
    return f"tool_call_ids without response: {sorted(open_calls)}" if open_calls else None


def _problem_of_tools(body: dict[str, Any]) -> str | None:
    if "tools" in body and not body["tools"]:
        return "[] is too short - 'tools'"
    for tool in body.get("tools", ()):
        function = tool.get("function", {})
        if tool.get("type") != "function" or function.get("parameters", {}).get("type") != "object":
            return "a tool's parameters must be a schema of type 'object'"
        if not function["name"].replace("_", "").replace("-", "").isalnum():
            return "'tools[0].function.name' does not match '^[a-zA-Z0-9_-]+$'"
    return None


def _problem_of_format(wanted: Any) -> str | None:
    if wanted is None or wanted.get("type") in {"text", "json_object"}:
        return None
    if wanted.get("type") != "json_schema":
        return f"Invalid value: {wanted.get('type')!r} - 'response_format.type'"
    named = wanted.get("json_schema") or {}
    if not isinstance(named.get("name"), str) or not isinstance(named.get("schema"), dict):
        return "Missing required parameter: 'response_format.json_schema'"
    try:
        jsonschema.Draft202012Validator.check_schema(named["schema"])
    except jsonschema.SchemaError as error:
        return f"Invalid schema for response_format: {error.message}"
    return None


def _pieces(reply: Reply, body: dict[str, Any]) -> list[dict[str, Any]]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": body["model"], "choices": [choice],
        }  # fmt: skip

    pieces = [chunk({"role": "assistant", "content": ""})]
    pieces += [chunk({"reasoning_content": part}) for part in _cut(reply.thinking)]
    pieces += [chunk({"content": part}) for part in _cut(reply.text)]
    for index, (call_id, name, arguments) in enumerate(reply.calls):
        opening = {"name": name, "arguments": ""}
        call = {"index": index, "id": call_id, "type": "function", "function": opening}
        pieces.append(chunk({"tool_calls": [call]}))
        for part in _cut(arguments):
            pieces.append(
                chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
            )
    pieces.append(chunk({}, "tool_calls" if reply.calls else "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        pieces.append({**chunk({}), "choices": [], "usage": usage})
    return pieces


def _cut(text: str, size: int = 7) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _send_json(
    writer: asyncio.StreamWriter, status: int, body: Any, headers: dict[str, str] | None = None
) -> None:
    payload = json.dumps(body).encode()
    length = {"Content-Type": "application/json", "Content-Length": str(len(payload))}
    writer.write(_head(status, {**length, **(headers or {})}) + payload)
    await writer.drain()

"""One HTTP exchange, answered by the protocol's own SDK (https://modelcontextprotocol.io).

The SDK speaks ASGI. It is asked for one exchange at a time, without a session: each request says
all there is to know (version 2026-07-28), or is answered as if it did (the versions before, which
begin with a handshake). So any process may answer any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from api.call import Facts, Reply

if TYPE_CHECKING:
    from mcp.server import Server

_SAID = "mcp-"  # headers of the protocol's own; the SDK need not know who calls


async def exchange(server: Server[Any], asked: Facts, body: bytes) -> Reply:
    """Return a server's answer to one request."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    manager = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=max(1, len(body))
    )
    answer = _Answer(body)
    async with manager.run():
        await manager.handle_request(_scope(asked), answer.receive, answer.send)
    return answer.reply()


def _scope(asked: Facts) -> dict[str, Any]:
    named = ((name.lower(), value) for name, value in asked.headers.items())
    # Asked for JSON, whatever the client would take: one message is answered by one.
    headers = [("content-type", "application/json"), ("accept", "application/json")]
    headers += [(name, value) for name, value in named if name.startswith(_SAID)]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }


@dataclass
class _Answer:
    """Gives the body as ASGI does, and takes in the answer."""

    body: bytes
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {n.decode().lower(): v.decode() for n, v in message["headers"]}
        else:
            self.said.append(message.get("body", b""))

    def reply(self) -> Reply:
        said = b"".join(self.said)
        if not said:
            return Reply(status=self.status)
        kept = {"content-type": self.headers["content-type"]}
        return Reply(status=self.status, headers=kept, content=said)

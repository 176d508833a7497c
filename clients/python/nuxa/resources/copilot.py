"""Asking the copilot."""

from __future__ import annotations

from typing import Any

from nuxa.models import Chat, ChatReply, Message, Tool, ToolResult
from nuxa.requests import (
    Door,
    Event,
    Json,
    Listing,
    Request,
    Resource,
    Stream,
    listing,
    method,
    streaming,
)


class Copilot(Resource[Door]):
    @method
    def chat(self, question: Json) -> Request[ChatReply]:
        """Ask and wait for the answer: ``chat({"message": …, "knowledgeBaseIds": […]})``.

        A question with a ``userMessageId`` is one turn however often it is sent.
        """
        is_once = "userMessageId" in question
        return Request("POST", "/api/copilot/chat", ChatReply, json=question, is_read_only=is_once)

    @streaming
    def stream(self, question: Json) -> Stream:
        """Ask and iterate over the answer's events as it is written."""

        def resume(last: Event) -> Request[Any]:
            return Request("GET", f"/api/copilot/streams/{last['messageId']}")

        is_once = "userMessageId" in question
        begin: Request[Any] = Request(
            "POST", "/api/copilot/stream", json=question, is_read_only=is_once
        )
        return Stream(begin, resume)

    @streaming
    def follow(self, message_id: str) -> Stream:
        """Iterate over an answer's events from its first, whether it is over or not."""
        path = f"/api/copilot/streams/{message_id}"
        return Stream(Request("GET", path), lambda _: Request("GET", path))

    @method
    def abort(self, message_id: str) -> Request[dict[str, Any]]:
        path = f"/api/copilot/streams/{message_id}/abort"
        return Request("POST", path, dict[str, Any], json={}, is_read_only=True)  # idempotent

    @listing
    def history(self, chat_id: str | None = None) -> Listing[Message]:
        """Iterate over the messages of a chat, or of all, oldest first."""
        return Listing("/api/copilot/history", Message, {"chatId": chat_id})

    @listing
    def chats(self, *, search: str | None = None) -> Listing[Chat]:
        return Listing("/api/copilot/chats", Chat, {"search": search})

    @method
    def delete_chat(self, chat_id: str) -> Request[None]:
        return Request("DELETE", f"/api/copilot/chats/{chat_id}")

    @method
    def tools(self) -> Request[list[Tool]]:
        return Request("GET", "/api/copilot/tools", list[Tool])

    @method
    def execute_tool(self, name: str, arguments: Json) -> Request[ToolResult]:
        body = {"name": name, "arguments": dict(arguments)}
        return Request("POST", "/api/copilot/tools/execute", ToolResult, json=body)

"""Asking the copilot."""

from __future__ import annotations

from typing import Any

from nuxa.models import (
    AgentShare,
    Chat,
    ChatReply,
    Checkpoint,
    CopilotAgent,
    Message,
    Tool,
    ToolResult,
    VisitorReply,
)
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

    @method
    def delete_history(self, chat_id: str | None = None) -> Request[None]:
        """Delete a chat, or all of them in the workspace."""
        query = {"chatId": chat_id} if chat_id else {}
        return Request("DELETE", "/api/copilot/history", query=query)

    @listing
    def chats(self, *, search: str | None = None) -> Listing[Chat]:
        return Listing("/api/copilot/chats", Chat, {"search": search})

    @method
    def get_chat(self, chat_id: str) -> Request[Chat]:
        return Request("GET", f"/api/copilot/chats/{chat_id}", Chat)

    @method
    def update_chat(self, chat_id: str, changes: Json) -> Request[Chat]:
        return Request("PATCH", f"/api/copilot/chats/{chat_id}", Chat, json=changes)

    @method
    def delete_chat(self, chat_id: str) -> Request[None]:
        return Request("DELETE", f"/api/copilot/chats/{chat_id}")

    @method
    def steer(self, message_id: str, text: str) -> Request[Message]:
        """Say something to an answer that is being written."""
        path = f"/api/copilot/streams/{message_id}/steer"
        return Request("POST", path, Message, json={"message": text})

    @method
    def decide(
        self, tool_call_id: str, decision: str, message_id: str | None = None
    ) -> Request[dict[str, Any]]:
        """Answer a call that waits for approval: ``allow``, ``allowForChat`` or ``skip``."""
        one = {"toolCallId": tool_call_id, "decision": decision, "messageId": message_id}
        body = {"decisions": [one]}
        path = "/api/copilot/approvals"
        return Request("POST", path, dict[str, Any], json=body, is_read_only=True)  # idempotent

    @method
    def rate(
        self, message_id: str, rating: str | None, comment: str | None = None
    ) -> Request[dict[str, Any]]:
        """Say whether an answer was good: ``up``, ``down``, or None to take it back."""
        body = {"messageId": message_id, "rating": rating, "comment": comment}
        return Request("POST", "/api/copilot/feedback", dict[str, Any], json=body)

    @listing
    def checkpoints(
        self, *, chat_id: str | None = None, workflow_id: str | None = None
    ) -> Listing[Checkpoint]:
        """Iterate over what workflows were before the copilot changed them, newest first."""
        query = {"chatId": chat_id, "workflowId": workflow_id}
        return Listing("/api/copilot/checkpoints", Checkpoint, query)

    @method
    def revert(self, checkpoint_id: str) -> Request[dict[str, Any]]:
        """Make a workflow again what it was at a checkpoint."""
        path = f"/api/copilot/checkpoints/{checkpoint_id}/revert"
        return Request("POST", path, dict[str, Any], json={})

    @listing
    def agents(self) -> Listing[CopilotAgent]:
        return Listing("/api/copilot/agents", CopilotAgent, {})

    @method
    def agent(self, agent_id: str) -> Request[CopilotAgent]:
        return Request("GET", f"/api/copilot/agents/{agent_id}", CopilotAgent)

    @method
    def create_agent(self, agent: Json) -> Request[CopilotAgent]:
        """Deploy the copilot: ``create_agent({"name": …, "systemPrompt": …, "tools": […]})``."""
        return Request("POST", "/api/copilot/agents", CopilotAgent, json=agent)

    @method
    def update_agent(self, agent_id: str, changes: Json) -> Request[CopilotAgent]:
        path = f"/api/copilot/agents/{agent_id}"
        return Request("PATCH", path, CopilotAgent, json=changes)

    @method
    def delete_agent(self, agent_id: str) -> Request[None]:
        return Request("DELETE", f"/api/copilot/agents/{agent_id}")

    @listing
    def models(self) -> Listing[dict[str, Any]]:
        """Iterate over the models that a question may be put to."""
        return Listing("/api/copilot/models", dict[str, Any])

    @method
    def share_agent(self, agent_id: str, limits: Json | None = None) -> Request[AgentShare]:
        """Make a share link for anonymous visitors; needs a session with a recent login."""
        path = f"/api/copilot/agents/{agent_id}/share"
        return Request("POST", path, AgentShare, json=limits or {})

    @method
    def unshare_agent(self, agent_id: str) -> Request[None]:
        return Request("DELETE", f"/api/copilot/agents/{agent_id}/share")

    @method
    def tools(self) -> Request[list[Tool]]:
        return Request("GET", "/api/copilot/tools", list[Tool])

    @method
    def execute_tool(
        self, name: str, arguments: Json, mode: str | None = None
    ) -> Request[ToolResult]:
        """Run one of the copilot's tools; with ``mode`` only one that the mode has."""
        body = {"name": name, "arguments": dict(arguments), "mode": mode}
        return Request("POST", "/api/copilot/tools/execute", ToolResult, json=body)


class SharedAgents(Resource[Door]):
    """Agents that are asked by the token of a share link."""

    @method
    def get(self, token: str) -> Request[dict[str, Any]]:
        return Request("GET", f"/api/agents/{token}", dict[str, Any])

    @method
    def chat(self, token: str, question: Json) -> Request[VisitorReply]:
        """Ask and wait for the answer: ``chat(token, {"message": …, "chatId": …})``."""
        return Request("POST", f"/api/agents/{token}/chat", VisitorReply, json=question)

    @streaming
    def stream(self, token: str, question: Json) -> Stream:
        """Ask and iterate over the answer's events as it is written."""

        def resume(last: Event) -> Request[Any]:
            return Request("GET", f"/api/agents/{token}/streams/{last['messageId']}")

        return Stream(Request("POST", f"/api/agents/{token}/stream", json=question), resume)

    @streaming
    def follow(self, token: str, message_id: str) -> Stream:
        """Iterate over an answer's events from its first, whether it is over or not."""
        path = f"/api/agents/{token}/streams/{message_id}"
        return Stream(Request("GET", path), lambda _: Request("GET", path))

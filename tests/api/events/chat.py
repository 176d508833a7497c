"""The events of chats, a user's own on all of her sockets, and of the copilot's tools."""

from __future__ import annotations

from typing import Final

from tests.api.events.case import LEFT_OUT, Case, refusal

_ARTIFACT: Final = {"type": "code", "title": "t", "content": "c"}
_TOLD: Final = frozenset({"message:new", "message:update"})

CHAT: Final = {
    "message:new": Case(
        sent={"message": "When is lunch served?"},
        answer=frozenset({"chatId", "messageId", "status"}),
        refused=(
            refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
            refusal("outsider", "NOT_FOUND", workflowId="$workflow"),
            refusal("narrow", "FORBIDDEN"),
            refusal("ended", "UNAUTHORIZED"),
            refusal("writer", "NOT_FOUND", chatId="chat_none"),
            refusal("writer", "NOT_FOUND", knowledgeBaseIds=["kb_none"]),
            refusal("writer", "VALIDATION_ERROR", mode="no such mode"),
        ),
        malformed=(
            {"message": ""},
            {"message": "  "},
            {"message": None},
            {"chatId": 3},
            {"contexts": [{"kind": "moon", "id": "x"}]},
            {"knowledgeBaseIds": "kb_none"},
            {"fileIds": [3]},
            {"workspaceId": 3},
            {"workflowId": ["wf_none"]},
            {"agentId": ""},
            {"mode": 3},
            {"model": {}},
            {"userMessageId": 3},
        ),
        oversize=(
            ({"message": "m" * 20_001}, "VALIDATION_ERROR"),
            ({"fileIds": ["file_none"] * 51}, "VALIDATION_ERROR"),
        ),
        everywhere=_TOLD,
    ),
    "message:update": Case(
        sent={"id": "$message", "status": "aborted"},
        answer=frozenset({"status"}),
        refused=(
            refusal("outsider", "NOT_FOUND"),
            refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
            refusal("reader", "NOT_FOUND"),  # a colleague, but the chat is another's
            refusal("narrow", "FORBIDDEN"),
            refusal("ended", "UNAUTHORIZED"),
            refusal("writer", "NOT_FOUND", id="msg_none"),
        ),
        malformed=(
            {"status": LEFT_OUT},
            {"status": "completed"},
            {"status": None},
            {"content": "words put into its mouth"},
        ),
        oversize=(({"id": "m" * 101}, "VALIDATION_ERROR"),),
        first=(("message:new", {"message": "Tell me a story."}),),
        settled=_TOLD,
        everywhere=frozenset({"message:update"}),
    ),
    "copilot:tool": Case(
        sent={"name": "make_artifact", "arguments": _ARTIFACT},
        answer=frozenset({"success", "output", "error", "artifacts", "durationMs"}),
        refused=(
            refusal("reader", "FORBIDDEN"),
            refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
            refusal("outsider", "NOT_FOUND", workflowId="$workflow"),
            refusal("narrow", "FORBIDDEN"),
            refusal("ended", "UNAUTHORIZED"),
            refusal("writer", "FORBIDDEN", mode="workspace-chat"),  # which has no such tool
            refusal("writer", "NOT_FOUND", name="no_such_tool"),
            refusal("writer", "NOT_FOUND", chatId="chat_none"),
        ),
        malformed=(
            {"arguments": []},
            {"arguments": "{}"},
            {"toolCallId": 3},
            {"chatId": 3},
            {"mode": 3},
            {"workflowId": 3},
        ),
        oversize=(({"workflowId": "w" * 201}, "VALIDATION_ERROR"),),
    ),
}

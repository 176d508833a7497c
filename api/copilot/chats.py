"""A user's chats with the copilot, and what was said in them."""

from __future__ import annotations

from api.access import READ
from api.call import Call
from api.copilot.schemas import (
    ChatPatch,
    ChatRow,
    ChatsQuery,
    ForgetQuery,
    HistoryQuery,
    MessageAnswer,
)
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, cursor_of


@endpoint("GET", "/api/copilot/history", access=READ)
async def list_messages(call: Call, query: HistoryQuery) -> Page[MessageAnswer]:
    """List the messages of one of the caller's chats, or of all, oldest first."""
    if query.chat_id is not None:
        found(await call.unit.chats.get(query.chat_id, call.user_id), "chat")
    page = await call.unit.messages.page(call.user_id, query.chat_id, query.request())
    data = [MessageAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("DELETE", "/api/copilot/history", access=READ, status=204)
async def delete_messages(call: Call, query: ForgetQuery) -> None:
    """Delete one of the caller's chats, or all of them in this workspace."""
    if query.chat_id is not None:
        found(await call.unit.chats.get(query.chat_id, call.user_id), "chat")
    await call.unit.chats.delete(call.user_id, query.chat_id)


@endpoint("GET", "/api/copilot/chats", access=READ)
async def list_chats(call: Call, query: ChatsQuery) -> Page[ChatRow]:
    """List the caller's chats, newest first."""
    page = await call.unit.chats.page(call.user_id, query.request(), query.search)
    data = [ChatRow.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/copilot/chats/<chat_id>", access=READ)
async def get_chat(call: Call, chat_id: str) -> ChatRow:
    """Return one of the caller's chats."""
    return ChatRow.model_validate(found(await call.unit.chats.get(chat_id, call.user_id), "chat"))


@endpoint("PATCH", "/api/copilot/chats/<chat_id>", access=READ)
async def update_chat(call: Call, chat_id: str, body: ChatPatch) -> ChatRow:
    """Rename a chat."""
    chat = found(await call.unit.chats.get(chat_id, call.user_id), "chat")
    for name, value in body.changes().items():
        setattr(chat, name, value)
    await call.unit.flush()
    await call.unit.chats.refresh(chat)
    return ChatRow.model_validate(chat)


@endpoint("DELETE", "/api/copilot/chats/<chat_id>", access=READ, status=204)
async def delete_chat(call: Call, chat_id: str) -> None:
    """Delete a chat with its messages."""
    found(await call.unit.chats.get(chat_id, call.user_id), "chat")
    await call.unit.chats.delete(call.user_id, chat_id)

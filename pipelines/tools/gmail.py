"""Gmail's ``users.messages.send``:
https://developers.google.com/gmail/api/reference/rest/v1/users.messages/send."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pydantic import BaseModel, Field, JsonValue

from core.errors import NotFound, ValidationFailed
from core.http import Answer, Outgoing, json_body
from pipelines.tools.base import Output, Reach, Tool
from pipelines.tools.gmail_message import Attached, Earlier, GmailMessage, MailAttachment, compose
from pipelines.tools.google_token import WAYS, access_token
from pipelines.tools.upstream import ServiceRefused, refused, said_in, understood

LARGEST_MAIL: Final = 25 * 1024**2  # bytes that Gmail sends at most
LARGEST_IN_JSON: Final = 1024**2  # a larger one is uploaded beside its JSON, as Gmail wants it
_RATE_REASONS: Final = ("rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded")


class _Sent(BaseModel):
    id: str
    thread_id: str = Field(alias="threadId")
    label_ids: list[str] = Field(alias="labelIds", default_factory=list)


class _Header(BaseModel):
    name: str
    value: str


class _Payload(BaseModel):
    headers: list[_Header] = Field(default_factory=list)


class _Message(BaseModel):
    payload: _Payload = Field(default_factory=_Payload)


class _Thread(BaseModel):
    messages: list[_Message] = Field(default_factory=list)


async def send(reach: Reach, params: GmailMessage) -> Output:
    """Send an e-mail from the connected Gmail account, as a reply where a thread is named."""
    attached = [await _attached(reach, item) for item in params.attachments]
    token = await access_token(reach)
    earlier = await _earlier(reach, token, params.thread_id) if params.thread_id else None
    mail = compose(params, attached, earlier)
    if len(mail) > LARGEST_MAIL:
        raise ValidationFailed("The e-mail is larger than the 25 MB Gmail sends; share a link.")
    answer = await _ask(reach, token, _outgoing(mail, params.thread_id))
    if answer.status != 200:
        raise _refusal(answer)
    sent = understood("Gmail", _Sent, answer)
    return {"messageId": sent.id, "threadId": sent.thread_id, "labelIds": list(sent.label_ids)}


def _outgoing(mail: bytes, thread_id: str | None) -> Outgoing:
    """Return the call with a path for its URL: the mail inside the JSON, or beside it if large."""
    fields: dict[str, JsonValue] = {"threadId": thread_id} if thread_id else {}
    path = "/gmail/v1/users/me/messages/send"
    if len(mail) <= LARGEST_IN_JSON:
        fields["raw"] = base64.urlsafe_b64encode(mail).decode()
        return Outgoing("POST", path, {"Content-Type": "application/json"}, json_body(fields))
    mark = secrets.token_hex(16)
    body = (
        f"--{mark}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n".encode()
        + json_body(fields)
        + f"\r\n--{mark}\r\nContent-Type: message/rfc822\r\n\r\n".encode()
        + mail
        + f"\r\n--{mark}--\r\n".encode()
    )
    headers = {"Content-Type": f"multipart/related; boundary={mark}"}
    return Outgoing("POST", f"/upload{path}?uploadType=multipart", headers, body, seconds=120)


async def _ask(reach: Reach, token: str, call: Outgoing) -> Answer:
    base = reach.services.settings.gmail_base_url
    headers = {**reach.headers(Authorization=f"Bearer {token}"), **call.headers}
    url = base.rstrip("/") + call.url
    return await reach.services.http.request(
        replace(call, url=url, headers=headers, redirects=0, trusting=base)
    )


async def _earlier(reach: Reach, token: str, thread_id: str) -> Earlier | None:
    """Return the last message of a thread, which a reply must name to be shown in the thread.

    ``None`` where the token may only send (scope ``gmail.send``): Gmail then goes by the thread's
    id alone, and refuses the send itself if there is no such thread.
    """
    names = ("Message-ID", "References", "Subject")
    wanted = "".join(f"&metadataHeaders={name}" for name in names)
    path = f"/gmail/v1/users/me/threads/{thread_id}?format=metadata{wanted}"
    answer = await _ask(reach, token, Outgoing("GET", path))
    if answer.status != 200:
        return None
    messages = understood("Gmail", _Thread, answer).messages
    headers = _by_name(messages[-1].payload) if messages else {}
    if "message-id" not in headers:
        return None
    return Earlier(headers["message-id"], headers.get("references", ""), headers.get("subject", ""))


def _by_name(payload: _Payload) -> Mapping[str, str]:
    return {header.name.lower(): " ".join(header.value.split()) for header in payload.headers}


async def _attached(reach: Reach, item: MailAttachment) -> Attached:
    if item.file_id is None:
        try:
            content = base64.b64decode("".join((item.content or "").split()), validate=True)
        except binascii.Error as error:
            raise ValidationFailed(f"The attachment {item.name} is not valid base64.") from error
        return Attached(item.name, item.mime_type, content)
    async with reach.services.store.unit(reach.workspace_id) as unit:
        file = await unit.files.get(item.file_id)
    if file is None:
        raise NotFound(f"There is no file {item.file_id[:60]!r} to attach; upload it first.")
    if file.size > LARGEST_MAIL:
        raise ValidationFailed(f"{file.name} is larger than the 25 MB Gmail sends; share a link.")
    pieces = [piece async for piece in reach.services.blobs.read(file.blob_key)]
    return Attached(item.name or file.name, file.mime_type, b"".join(pieces))


def _refusal(answer: Answer) -> ServiceRefused:
    reason = said_in(answer, "error", "errors", "0", "reason") or said_in(answer, "error", "status")
    is_rate = answer.status == 403 and reason in _RATE_REASONS
    said = said_in(answer, "error", "message")
    return refused("Gmail", answer, said, reason, 429 if is_rate else None)


GMAIL_SEND: Final = Tool("gmail_send", "communication", send, WAYS)

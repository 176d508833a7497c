"""gmail_send against a server that answers as Gmail and Google's token endpoint do."""

from __future__ import annotations

import base64
import email
import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest

from core.config import Settings
from core.errors import NotFound, UpstreamError, ValidationFailed
from core.ids import new_id
from core.services import Services
from core.store.files import File
from pipelines.tools.upstream import ServiceRefused
from tests.conftest import Owner
from tests.pipelines.tools.conftest import CallTool, Save
from tests.stand_in import Asked, Says, StandIn

SEND = "/gmail/v1/users/me/messages/send"
THREAD = "/gmail/v1/users/me/threads/18c"


def _error(status: int, reason: str, message: str) -> Says:
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return Says.json({"error": {"code": status, "message": message, "errors": errors}}, status)


class Gmail:
    """Answers as Gmail would; keeps the mails that were sent."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.fields: list[dict[str, Any]] = []
        self.token = "ya29.right"
        self.may_read = True

    def __call__(self, asked: Asked) -> Says:
        if asked.path == "/token":
            return self._token(asked)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return _error(401, "authError", "Invalid Credentials")
        if asked.method == "GET" and asked.path == THREAD:
            return self._thread(asked)
        if asked.method == "POST" and asked.path == SEND:
            fields = asked.json()
            return self._send(fields, base64.urlsafe_b64decode(fields.pop("raw")))
        if asked.method == "POST" and asked.path == "/upload" + SEND:
            assert asked.query["uploadType"] == ["multipart"]
            return self._send(*_multipart(asked))
        return _error(404, "notFound", "Not Found")

    def _token(self, asked: Asked) -> Says:
        fields = dict(pair.split("=") for pair in asked.body.decode().split("&"))
        if fields["client_secret"] != "GOCSPX":
            return Says.json({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if fields["refresh_token"] != "fresh":
            body = {"error": "invalid_grant", "error_description": "Token has been revoked."}
            return Says.json(body, 400)
        return Says.json({"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"})

    def _thread(self, asked: Asked) -> Says:
        if not self.may_read:
            return _error(403, "insufficientPermissions", "Insufficient Permission")
        assert asked.query["format"] == ["metadata"]
        headers = [
            {"name": "Message-Id", "value": "<2@mail.example>"},
            {"name": "References", "value": "<1@mail.example>"},
            {"name": "Subject", "value": "Contract"},
        ]
        first = {"id": "1", "payload": {"headers": []}}
        return Says.json({"id": "18c", "messages": [first, {"payload": {"headers": headers}}]})

    def _send(self, fields: dict[str, Any], raw: bytes) -> Says:
        assert b"\n" not in raw.replace(b"\r\n", b"")
        mail = cast(EmailMessage, email.message_from_bytes(raw, policy=default))
        if not mail["To"]:
            return _error(400, "invalidArgument", "Recipient address required")
        self.mails.append(mail)
        self.fields.append(fields)
        thread = fields.get("threadId", "19d")
        return Says.json({"id": "19e", "threadId": thread, "labelIds": ["SENT"]})


def _multipart(asked: Asked) -> tuple[dict[str, Any], bytes]:
    head = b"Content-Type: " + asked.headers["content-type"].encode() + b"\r\n\r\n"
    whole = email.message_from_bytes(head + asked.body)
    metadata = whole.get_payload(0)
    assert metadata.get_content_type() == "application/json"  # type: ignore[union-attr]
    mark = whole.get_boundary()
    _, _, rest = asked.body.partition(b"Content-Type: message/rfc822\r\n\r\n")
    raw = rest[: rest.rindex(f"\r\n--{mark}--".encode())]
    return json.loads(metadata.get_payload()), raw  # type: ignore[union-attr,arg-type]


@pytest.fixture
async def gmail(
    settings: Settings, server: StandIn, save: Save, monkeypatch: pytest.MonkeyPatch
) -> Gmail:
    gmail = Gmail()
    server.answer = gmail
    monkeypatch.setattr(settings, "gmail_base_url", server.url)
    monkeypatch.setattr(settings, "google_token_url", server.url + "/token")
    await save("GMAIL_ACCESS_TOKEN", gmail.token)
    return gmail


async def test_mail_arrives_as_written(call_tool: CallTool, gmail: Gmail) -> None:
    subject = "Grüße – " + "sehr " * 40 + "lang"
    output = await call_tool(
        "gmail_send",
        to="Zoë Ä <zoe@example.com>, bob@example.com",
        cc=["carol@example.com"],
        bcc="dave@bücher.example",
        subject=subject,
        body="Hällo\n.\nWelt ✓\n",
    )
    assert output == {"messageId": "19e", "threadId": "19d", "labelIds": ["SENT"]}
    mail = gmail.mails[0]
    names = [(a.display_name, a.addr_spec) for a in mail["To"].addresses]
    assert names == [("Zoë Ä", "zoe@example.com"), ("", "bob@example.com")]
    assert mail["Cc"] == "carol@example.com"
    assert mail["Bcc"] == "dave@xn--bcher-kva.example"
    assert mail["Subject"] == subject
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == "Hällo\n.\nWelt ✓\n"
    assert gmail.fields == [{}]


async def test_html_and_attachments(call_tool: CallTool, gmail: Gmail) -> None:
    attachment = {"name": "bericht ä.csv", "content": "YSxiCg==", "mimeType": "text/csv"}
    await call_tool(
        "gmail_send",
        to="a@example.com",
        body="<b>hi</b>",
        contentType="html",
        attachments=[attachment],
    )
    body, attached = gmail.mails[0].iter_parts()
    assert body.get_content_type() == "text/html"
    assert body.get_content().strip() == "<b>hi</b>"
    assert attached.get_filename() == "bericht ä.csv"
    assert attached.get_content_type() == "text/csv"
    assert attached.get_payload(decode=True) == b"a,b\n"


async def test_file_of_the_workspace_is_attached(
    call_tool: CallTool, gmail: Gmail, services: Services, owner: Owner
) -> None:
    content = bytes(range(256)) * 8192  # 2 MB: uploaded beside the JSON
    file_id = await _upload(services, owner.workspace_id, content)
    await call_tool(
        "gmail_send", to="a@example.com", attachments=[{"fileId": file_id}], threadId="18c"
    )
    (attached,) = gmail.mails[0].iter_attachments()
    assert attached.get_payload(decode=True) == content
    assert (attached.get_filename(), attached.get_content_type()) == ("data.bin", "application/x-y")
    assert gmail.fields == [{"threadId": "18c"}]


async def test_file_of_another_workspace_is_not_found(
    call_tool: CallTool, gmail: Gmail, services: Services, make_owner: Any
) -> None:
    stranger = await make_owner()
    file_id = await _upload(services, stranger.workspace_id, b"secret")
    with pytest.raises(NotFound):
        await call_tool("gmail_send", to="a@example.com", attachments=[{"fileId": file_id}])
    assert gmail.mails == []


async def test_reply_names_the_message_it_answers(call_tool: CallTool, gmail: Gmail) -> None:
    output = await call_tool("gmail_send", to="a@example.com", body="yes", threadId="18c")
    mail = gmail.mails[0]
    assert output["threadId"] == "18c"
    assert gmail.fields == [{"threadId": "18c"}]
    assert mail["In-Reply-To"] == "<2@mail.example>"
    assert mail["References"] == "<1@mail.example> <2@mail.example>"
    assert mail["Subject"] == "Re: Contract"


async def test_token_that_may_only_send_still_replies(call_tool: CallTool, gmail: Gmail) -> None:
    gmail.may_read = False
    await call_tool("gmail_send", to="a@example.com", subject="Re: Contract", threadId="18c")
    assert gmail.fields == [{"threadId": "18c"}]
    assert gmail.mails[0]["In-Reply-To"] is None


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"to": ""},
        {"to": []},
        {"to": "nobody"},
        {"to": "a@b@c"},
        {"to": "a@example.com\r\nBcc: evil@example.com"},
        {"to": "a@example.com", "subject": "x\r\nBcc: evil@example.com"},
        {"to": "a@example.com", "contentType": "application/json"},
        {"to": "a@example.com", "threadId": "../../drafts"},
        {"to": "a@example.com", "attachments": [{"name": "a"}]},
        {"to": "a@example.com", "attachments": [{"content": "YQ=="}]},
        {"to": "a@example.com", "attachments": [{"name": "a", "content": "%%%"}]},
        {"to": "a@example.com", "attachments": [{"name": "a\r\nX: y", "content": "YQ=="}]},
        {"to": "a@example.com", "attachments": [{"path": "/etc/passwd"}]},
        {"to": "a@example.com", "from": "ceo@example.com"},
    ],
)
async def test_bad_parameters_are_not_sent(
    params: dict[str, object], call_tool: CallTool, gmail: Gmail, server: StandIn
) -> None:
    with pytest.raises(ValidationFailed):
        await call_tool("gmail_send", **params)
    assert server.asked == []


async def test_mail_larger_than_gmail_takes_is_refused(call_tool: CallTool, gmail: Gmail) -> None:
    content = base64.b64encode(b"\0" * 20_000_000).decode()
    with pytest.raises(ValidationFailed, match="25 MB"):
        await call_tool(
            "gmail_send", to="a@example.com", attachments=[{"name": "a", "content": content}]
        )


async def test_expired_token_says_so(call_tool: CallTool, gmail: Gmail, save: Save) -> None:
    await save("GMAIL_ACCESS_TOKEN", "ya29.old")
    with pytest.raises(ServiceRefused, match="Invalid Credentials") as caught:
        await call_tool("gmail_send", to="a@example.com")
    assert caught.value.details == {"service": "Gmail", "status": 401, "reason": "authError"}


async def test_refresh_token_gets_a_fresh_access_token(
    call_tool: CallTool, gmail: Gmail, save: Save
) -> None:
    await save("GMAIL_ACCESS_TOKEN", "ya29.old")
    for name, value in (
        ("REFRESH_TOKEN", "fresh"),
        ("CLIENT_ID", "12-ab.apps"),
        ("CLIENT_SECRET", "GOCSPX"),
    ):
        await save(f"GMAIL_{name}", value)
    await call_tool("gmail_send", to="a@example.com")
    assert len(gmail.mails) == 1
    await save("GMAIL_REFRESH_TOKEN", "stale")
    with pytest.raises(ServiceRefused, match="revoked") as caught:
        await call_tool("gmail_send", to="a@example.com")
    assert caught.value.details["reason"] == "invalid_grant"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (_error(400, "invalidArgument", "Recipient address required"), "Recipient address"),
        (_error(403, "insufficientPermissions", "Insufficient Permission"), "does not allow"),
        (_error(403, "userRateLimitExceeded", "User-rate limit exceeded"), "no more requests"),
        (_error(429, "rateLimitExceeded", "Too many requests"), "no more requests"),
        (_error(500, "backendError", "Backend Error"), "on its side"),
        (Says(503, body=b""), "on its side"),
    ],
)
async def test_refusals_say_what_to_do(
    says: Says, words: str, call_tool: CallTool, gmail: Gmail, server: StandIn
) -> None:
    server.answer = lambda asked: says
    with pytest.raises(ServiceRefused, match=words):
        await call_tool("gmail_send", to="a@example.com")
    assert len(server.asked) == 1  # a mail is never sent twice


@pytest.mark.parametrize("says", [Says(body=b"ok"), Says.json({}), Says.json({"id": "1"})])
async def test_broken_answers_are_upstream_errors(
    says: Says, call_tool: CallTool, gmail: Gmail, server: StandIn
) -> None:
    server.answer = lambda asked: says
    with pytest.raises(UpstreamError):
        await call_tool("gmail_send", to="a@example.com")


async def _upload(services: Services, workspace_id: str, content: bytes) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    stored = await services.blobs.put(pieces(), 10_000_000)
    file = File(
        id=new_id("file"),
        name="data.bin",
        size=stored.size,
        mime_type="application/x-y",
        checksum=stored.checksum,
        blob_key=stored.key,
        status="uploaded",
    )
    async with services.store.unit(workspace_id) as unit:
        unit.files.add(file)
    return file.id

"""Mails start workflows: each once, with its fields and its attachments as files."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.config import Settings
from core.http.address import Allowed
from core.http.errors import AddressForbidden
from core.imap import Mailbox, MailboxFailed, MailPosition, fetch_new_mails
from core.services import Services
from core.store.base import now
from core.store.executions import Execution, ExecutionFilter
from core.store.mail_triggers import MailTrigger
from core.store.pages import PageRequest
from tests.conftest import Owner
from tests.core.test_mail import certificate, tls
from tests.imap_server import PASSWORD, USER, ImapServer, serving_imap
from tests.pipelines.running import add_workflow
from tests.pipelines.shapes import block, definition
from workers.mail_polling import poll_mailboxes

__all__ = ["certificate", "tls"]

ECHO = definition([block("t", template="<start.subject>")], "s>t")


@pytest.fixture
async def server(
    tls: ssl.SSLContext,
    certificate: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[ImapServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(settings, "outgoing_allow", "127.0.0.1")
    async with serving_imap(tls) as running:
        yield running
        assert running.errors == []


def _mail(subject: str, **given: Any) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ann <ann@example.com>", "in@example.com"
    mail["Subject"], mail["Date"] = subject, "Thu, 03 Dec 2026 08:00:00 +0100"
    mail.set_content(given.get("content", "Please pay."))
    for name, data in given.get("attachments", {}).items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return bytes(mail)


async def _add_trigger(services: Services, owner: Owner, server: ImapServer) -> MailTrigger:
    """Add a deployed workflow with the server's mailbox, and let the first look find its end."""
    workflow_id = await add_workflow(services, owner, ECHO)
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.lock(workflow_id)
        assert workflow is not None
        snapshot = await unit.workflows.take_snapshot(workflow, "deploy")
        workflow.deployed_version, workflow.is_deployed = snapshot.number, True
        await unit.secrets.put("MAIL_PASSWORD", services.sealer.seal(PASSWORD))
        row = MailTrigger(workflow_id=workflow_id, host="127.0.0.1", port=server.port)
        row.username, row.password_secret, row.folder = USER, "MAIL_PASSWORD", "INBOX"
        row.interval_seconds, row.enabled, row.next_poll_at = 60, True, now()
        unit.mail_triggers.add(row)
    await poll_mailboxes(services)
    return row


async def _poll_again(services: Services, pollers: int = 1) -> None:
    async with services.store.engine.begin() as connection:
        await connection.execute(text("UPDATE mail_triggers SET next_poll_at = now()"))
    await asyncio.gather(*(poll_mailboxes(services) for _ in range(pollers)))


async def _runs(services: Services, owner: Owner) -> list[Execution]:
    async with services.store.unit(owner.workspace_id) as unit:
        page = await unit.executions.page(ExecutionFilter(), PageRequest(100))
    return list(reversed(page.rows))


async def _trigger(services: Services, owner: Owner, workflow_id: str) -> MailTrigger:
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.mail_triggers.get(workflow_id)
    assert row is not None
    return row


async def test_poll_with_new_mails_starts_a_run_for_each_once(
    services: Services, owner: Owner, server: ImapServer
) -> None:
    server.deliver(_mail("old"))
    await _add_trigger(services, owner, server)
    assert await _runs(services, owner) == []
    server.deliver(_mail("first", attachments={"../note.txt": b"Paid.", "bad.bin": b""}))
    server.deliver(_mail("second"))
    await _poll_again(services, pollers=2)
    await _poll_again(services)
    first, second = await _runs(services, owner)
    assert (first.trigger, first.input["subject"], second.input["subject"]) == (
        *("mail", "first", "second"),
    )
    assert first.input["from"] == "Ann <ann@example.com>"
    assert first.input["to"] == "in@example.com"
    assert first.input["date"] == "2026-12-03T07:00:00Z"
    assert first.input["text"] == "Please pay."
    stored, refused = first.input["attachments"]
    assert refused == {"name": "bad.bin", "size": 0, "error": "VALIDATION_ERROR"}
    async with services.store.unit(owner.workspace_id) as unit:
        (file,) = (await unit.files.page(PageRequest(10))).rows
    assert stored == {"fileId": file.id, "name": "note.txt", "mimeType": "text/plain", "size": 5}


async def test_poll_with_other_uid_validity_begins_at_the_end(
    services: Services, owner: Owner, server: ImapServer
) -> None:
    await _add_trigger(services, owner, server)
    server.uid_validity = 8
    server.deliver(_mail("before"))
    await _poll_again(services)
    server.deliver(_mail("after"))
    await _poll_again(services)
    assert [run.input["subject"] for run in await _runs(services, owner)] == ["after"]


async def test_poll_with_oversized_mail_starts_a_run_with_its_headers(
    services: Services, owner: Owner, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.settings, "mail_max_bytes", 10_000)
    await _add_trigger(services, owner, server)
    server.deliver(_mail("large", content="words\n" * 5_000))
    server.deliver(_mail("small"))
    await _poll_again(services)
    large, small = await _runs(services, owner)
    assert (large.input["subject"], large.input["text"], large.input["isOversized"]) == (
        *("large", "", True),
    )
    assert (small.input["subject"], small.input["isOversized"]) == ("small", False)


async def test_poll_with_wrong_password_notes_the_error_and_waits_longer(
    services: Services, owner: Owner, server: ImapServer
) -> None:
    row = await _add_trigger(services, owner, server)
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.secrets.put("MAIL_PASSWORD", services.sealer.seal("wrong"))
    await _poll_again(services)
    await _poll_again(services)
    noted = await _trigger(services, owner, row.workflow_id)
    assert noted.error is not None
    assert noted.error["code"] == "UPSTREAM_ERROR"
    assert "wrong" not in noted.error["message"]
    assert noted.failures == 2
    assert noted.polled_at is not None
    assert (noted.next_poll_at - noted.polled_at).total_seconds() == 240
    assert server.logins == 3


def _mailbox(server: ImapServer, **given: Any) -> Mailbox:
    known = {"host": "127.0.0.1", "port": server.port, "folder": "INBOX"}
    return Mailbox(**{**known, "username": USER, "password": PASSWORD, **given})


async def test_fetch_new_mails_of_a_private_address_is_forbidden(server: ImapServer) -> None:
    with pytest.raises(AddressForbidden):
        await fetch_new_mails(Allowed(), _mailbox(server), None, 1000)
    assert server.logins == 0


async def test_fetch_new_mails_with_unknown_certificate_sends_no_password(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MailboxFailed):
        await fetch_new_mails(Allowed.parse("127.0.0.1"), _mailbox(server), None, 1000)
    assert server.logins == 0


async def test_fetch_new_mails_from_a_server_that_lies_about_sizes_is_bounded(
    server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.imap._SLACK_BYTES", 10_000)
    server.lies_about_sizes = True
    server.deliver(_mail("large", content="words\n" * 50_000))
    allowed, known = Allowed.parse("127.0.0.1"), MailPosition(server.uid_validity, 0)
    with pytest.raises(MailboxFailed, match="larger than allowed"):
        await fetch_new_mails(allowed, _mailbox(server), known, 1000)


async def test_fetch_new_mails_with_line_breaks_in_the_folder_sends_nothing(
    server: ImapServer,
) -> None:
    mailbox = _mailbox(server, folder='x"\r\na1 DELETE INBOX')
    with pytest.raises(MailboxFailed):
        await fetch_new_mails(Allowed.parse("127.0.0.1"), mailbox, None, 1000)
    assert server.logins == 0

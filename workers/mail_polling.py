"""Polls mailboxes; each new mail starts a run of its workflow once.

A mail's run is added in the transaction that moves the trigger past its UID, under the trigger's
lock: two pollers, or one that was killed in between, start it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import structlog
from pydantic import JsonValue

from core.errors import NuxaError, RateLimited, ValidationFailed
from core.http.address import Allowed
from core.imap import FetchedMail, Mailbox, MailboxLook, MailPosition, fetch_new_mails
from core.services import Services
from core.store.mail_triggers import MailTrigger
from core.store.workspaces import Workspace
from ingest.mail import Attachment
from ingest.received_mail import ReceivedMail, read_mail
from ingest.stored_files import PendingFiles, reference_to, store_file
from pipelines import run
from pipelines.live import wire_time
from pipelines.run import RunRequest

_BATCH: Final = 8
log = structlog.get_logger(__name__)


async def poll_mailboxes(services: Services) -> None:
    """Look into each mailbox that is due, several at a time."""
    while True:
        async with services.store.system() as unit:
            claimed = await unit.mail_triggers.claim(_BATCH)
        if not claimed:
            return
        await asyncio.gather(*(_poll(services, trigger) for trigger in claimed))


async def _poll(services: Services, trigger: MailTrigger) -> None:
    error, more = None, False
    try:
        more = await _start_runs(services, trigger)
    except NuxaError as failure:  # the answer of GET tells
        log.info("mail_poll_failed", workflow_id=trigger.workflow_id, code=failure.code)
        error = {"code": failure.code, "message": failure.message}
    # Logged whole; one mailbox must not hold up the others.
    except Exception:
        log.exception("mail_poll_crashed", workflow_id=trigger.workflow_id)
        error = {"code": NuxaError.code, "message": "The mails could not be read; see the log."}
    async with services.store.system() as unit:
        await unit.mail_triggers.finish(trigger.workflow_id, error, more=more)


async def _start_runs(services: Services, trigger: MailTrigger) -> bool:
    """Start a run for each new mail in turn; return whether there may be more."""
    look = await _look(services, trigger)
    known = _position_of(trigger)
    if known is None or known.uid_validity != look.position.uid_validity:
        await _begin_at(services, trigger, look.position)
        return False
    async with services.store.system() as system:
        workspace = await system.workspaces.load(trigger.workspace_id)
    for mail in look.mails:
        if not await _start_run(services, trigger, workspace, known.uid_validity, mail):
            return False
    return bool(look.mails)


async def _look(services: Services, trigger: MailTrigger) -> MailboxLook:
    async with services.store.unit(trigger.workspace_id) as unit:
        sealed = (await unit.secrets.all_sealed()).get(trigger.password_secret)
    if sealed is None:
        raise ValidationFailed(
            f"The workspace has no secret {trigger.password_secret}; save the password under it."
        )
    mailbox = Mailbox(
        trigger.host,
        trigger.port,
        trigger.username,
        services.sealer.open(sealed),
        trigger.folder,
    )
    settings = services.settings
    allowed = Allowed.parse(settings.outgoing_allow)
    return await fetch_new_mails(allowed, mailbox, _position_of(trigger), settings.mail_max_bytes)


def _position_of(trigger: MailTrigger) -> MailPosition | None:
    if trigger.uid_validity is None or trigger.last_uid is None:
        return None
    return MailPosition(trigger.uid_validity, trigger.last_uid)


async def _begin_at(services: Services, trigger: MailTrigger, position: MailPosition) -> None:
    """Have mails start runs from the folder's end on: what was there before is not new."""
    async with services.store.unit(trigger.workspace_id) as unit:
        row = await unit.mail_triggers.lock(trigger.workflow_id)
        if row is not None and _is_same(row, trigger):
            row.uid_validity, row.last_uid = position.uid_validity, position.last_uid


def _is_same(row: MailTrigger, seen: MailTrigger) -> bool:
    """Whether a trigger still reads the folder that was looked into, from the same place."""
    names = ("host", "port", "username", "folder", "uid_validity", "last_uid")
    return all(getattr(row, name) == getattr(seen, name) for name in names)


async def _start_run(
    services: Services,
    trigger: MailTrigger,
    workspace: Workspace,
    uid_validity: int,
    fetched: FetchedMail,
) -> bool:
    """Start a mail's run unless that was done; return False where none can be started now."""
    mail = await asyncio.to_thread(read_mail, fetched.raw)
    files = PendingFiles(services.blobs)
    try:
        refused = await _store_attachments(services, mail, files)
        async with services.store.unit(trigger.workspace_id) as unit:
            row = await unit.mail_triggers.lock(trigger.workflow_id)
            if row is None or row.uid_validity != uid_validity or row.last_uid is None:
                return False
            if row.last_uid >= fetched.uid or not row.enabled:
                return row.enabled
            row.last_uid = fetched.uid
            given = {
                **_fields(mail, fetched),
                "attachments": [*map(reference_to, files.add_rows(unit)), *refused],
            }
            request = RunRequest(
                trigger="mail",
                input=given,
                slots=workspace.allowed.concurrent_executions,
                slot_account=workspace.slot_account,
            )
            await run.start(unit, services, trigger.workflow_id, request)
    except RateLimited:
        return False  # a later look begins with this mail
    finally:
        await files.discard()
    return True


def _fields(mail: ReceivedMail, fetched: FetchedMail) -> dict[str, JsonValue]:
    return {
        "event": "mail.received",
        "messageId": mail.message_id,
        "from": mail.sender,
        "to": mail.to,
        "cc": mail.cc,
        "subject": mail.subject,
        "date": wire_time(mail.date),
        "text": mail.text,
        "isOversized": fetched.is_oversized,
    }


async def _store_attachments(
    services: Services, mail: ReceivedMail, files: PendingFiles
) -> list[JsonValue]:
    """Store what uploads take; return the others, each with the code of the refusal."""
    refused: list[JsonValue] = []
    for attachment in mail.attachments:
        try:
            file = await store_file(
                services.blobs,
                attachment.name,
                _pieces(attachment),
                services.settings.max_upload_bytes,
            )
        except NuxaError as error:
            size = len(attachment.data)
            refused.append({"name": attachment.name, "size": size, "error": error.code})
        else:
            files.append(file)
    return refused


async def _pieces(attachment: Attachment) -> AsyncIterator[bytes]:
    yield attachment.data

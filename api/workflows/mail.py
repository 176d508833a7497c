"""A workflow's mailbox: what is deployed runs for each mail that comes into it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.wire import Flag, Wire
from api.workflows.webhook_schemas import SecretName
from core.errors import Conflict
from core.store.base import now
from core.store.mail_triggers import MailTrigger

Host = Annotated[str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")]
Printable = Annotated[
    str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_PATH = "/api/workflows/<workflow_id>/mail"
_SOURCE = ("host", "port", "username", "folder")


class MailBody(Wire):
    """An IMAP folder over TLS; ``passwordSecret`` names a secret of the workspace.

    Mails that are there already start nothing. The run's input is ``{event, messageId, from, to,
    cc, subject, date, text, attachments, isOversized}``; attachments are files of the workspace:
    ``{fileId, name, mimeType, size}``, or ``{name, size, error}`` for a type that is not taken.
    """

    host: Host
    port: int = Field(993, ge=1, le=65535)
    username: Printable
    password_secret: SecretName
    folder: Printable = "INBOX"
    interval_seconds: int = Field(60, ge=15, le=3600)
    enabled: Flag = True


class MailAnswer(Wire):
    """``error`` is the last look's, with ``code`` and ``message``; null where it went well."""

    workflow_id: str
    host: str
    port: int
    username: str
    password_secret: str
    folder: str
    interval_seconds: int
    enabled: bool
    polled_at: datetime | None
    error: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


@endpoint("GET", _PATH, access=READ)
async def get_mail_trigger(call: Call, workflow_id: str) -> MailAnswer:
    """Return the mailbox whose mails start a workflow, and how the last look into it ended."""
    return MailAnswer.model_validate(await _trigger(call, workflow_id))


@endpoint("PUT", _PATH, access=WRITE)
async def put_mail_trigger(call: Call, workflow_id: str, body: MailBody) -> MailAnswer:
    """Have the deployed workflow run for each new mail of an IMAP folder."""
    workflow = found(await call.unit.workflows.lock(workflow_id), "workflow")
    if workflow.deployed_version is None:
        raise Conflict("The workflow is not deployed; deploy it before its mailbox is set.")
    row = await call.unit.mail_triggers.lock(workflow_id)
    if row is None:
        row = call.unit.mail_triggers.add(MailTrigger(workflow_id=workflow_id))
    elif any(getattr(row, name) != getattr(body, name) for name in _SOURCE):
        row.uid_validity = row.last_uid = None
    for name, value in body.model_dump().items():
        setattr(row, name, value)
    row.failures, row.error, row.next_poll_at = 0, None, now()
    call.audit("mail.set", workflow_id, host=body.host, folder=body.folder)
    await call.unit.flush()
    return MailAnswer.model_validate(row)


@endpoint("DELETE", _PATH, access=WRITE)
async def delete_mail_trigger(call: Call, workflow_id: str) -> None:
    """Have mails start a workflow no more."""
    await call.unit.mail_triggers.delete(await _trigger(call, workflow_id))
    call.audit("mail.deleted", workflow_id)


async def _trigger(call: Call, workflow_id: str) -> MailTrigger:
    found(await call.unit.workflows.get(workflow_id), "workflow")
    return found(await call.unit.mail_triggers.get(workflow_id), "mail trigger")

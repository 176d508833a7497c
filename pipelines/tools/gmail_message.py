"""The e-mail itself, as RFC 5322 text; Gmail adds sender, date and message id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipelines.tools.base import Params

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SPEC: Final = re.compile(r"(?P<local>[^\s@,;:<>\"()\[\]\\]+)@(?P<domain>[^\s@,;:<>\"()\[\]\\]+)")
_TYPES: Final = {"text": "plain", "text/plain": "plain", "html": "html", "text/html": "html"}


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must be a single line without control characters")
    return text


def _as_list(value: object) -> object:
    """Take one text with commas for a list, as address fields of mail programs do."""
    return [value] if isinstance(value, str) and value.strip() else (value or [])


def _addresses(texts: list[str]) -> list[str]:
    for text in texts:
        _one_line(text)
    return [str(_address(name, spec)) for name, spec in getaddresses(texts)]


def _address(name: str, spec: str) -> Address:
    match = _SPEC.fullmatch(spec)
    if match is None or not match["local"].isascii():
        raise ValueError(f"{spec[:100]!r} is not an e-mail address; write name@example.com")
    try:
        domain = match["domain"].encode("idna").decode("ascii")
        return Address(name, addr_spec=f"{match['local']}@{domain}")
    except (ValueError, UnicodeError, IndexError) as error:
        raise ValueError(f"{spec[:100]!r} is not an e-mail address") from error


Line = Annotated[str, AfterValidator(_one_line), Field(max_length=998)]
Addresses = Annotated[
    list[str], BeforeValidator(_as_list), AfterValidator(_addresses), Field(max_length=500)
]


class MailAttachment(Params):
    """A file of the workspace, or content in base64 with its name."""

    file_id: str | None = None
    name: Line = ""
    content: Annotated[str | None, Field(description="The bytes in base64.")] = None
    mime_type: Annotated[str, Field(pattern=r"^[\w.+-]+/[\w.+-]+$")] = "application/octet-stream"

    @model_validator(mode="after")
    def _has_one_source(self) -> MailAttachment:
        if (self.file_id is None) == (self.content is None):
            raise ValueError("give either fileId or content")
        if self.content is not None and not self.name:
            raise ValueError("give the attachment a name")
        return self


class GmailMessage(Params):
    to: Annotated[Addresses, Field(min_length=1, description="name@example.com, or several.")]
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    subject: Line = ""
    body: Annotated[str, Field(max_length=5_000_000)] = ""
    content_type: Literal["text/plain", "text/html", "text", "html"] = "text/plain"
    attachments: Annotated[list[MailAttachment], Field(max_length=100)] = Field(
        default_factory=list
    )
    thread_id: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="Thread to answer in."),
    ] = None


@dataclass(frozen=True)
class Attached:
    """The bytes of an attachment."""

    name: str
    mime_type: str
    content: bytes


@dataclass(frozen=True)
class Earlier:
    """What an answer says of the message it answers, for its thread."""

    message_id: str
    references: str
    subject: str


def compose(params: GmailMessage, attached: Sequence[Attached], earlier: Earlier | None) -> bytes:
    """Return the message with CRLF line ends; Bcc is in it, and Gmail takes it out."""
    mail = EmailMessage(policy=SMTP)
    for name, addresses in (("To", params.to), ("Cc", params.cc), ("Bcc", params.bcc)):
        if addresses:
            mail[name] = ", ".join(addresses)
    mail["Subject"] = params.subject or _reply_subject(earlier)
    if earlier is not None:
        mail["In-Reply-To"] = earlier.message_id
        mail["References"] = f"{earlier.references} {earlier.message_id}".strip()
    mail.set_content(params.body, subtype=_TYPES[params.content_type])
    for file in attached:
        main, _, sub = file.mime_type.partition("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return mail.as_bytes()


def _reply_subject(earlier: Earlier | None) -> str:
    if earlier is None:
        return ""
    subject = earlier.subject
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"

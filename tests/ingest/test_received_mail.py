"""What a workflow is given of a mail."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from ingest.received_mail import MAX_ATTACHMENTS, read_mail


def test_read_mail_of_html_alone_returns_what_it_shows() -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "Ä <a@example.com>", "Grüße"
    mail.set_content(
        "<html><head><title>T</title><style>p {}</style></head><p>Hello</p><p>all<br>here</p>",
        subtype="html",
    )
    read = read_mail(bytes(mail))
    assert (read.sender, read.subject) == ("Ä <a@example.com>", "Grüße")
    assert read.text == "Hello\nall\nhere"
    assert (read.date, read.attachments) == (None, [])


def test_read_mail_with_both_texts_prefers_the_plain_one() -> None:
    mail = EmailMessage()
    mail.set_content("plain")
    mail.add_alternative("<p>rich</p>", subtype="html")
    assert read_mail(bytes(mail)).text == "plain"


def test_read_mail_with_many_attachments_keeps_the_first() -> None:
    mail = EmailMessage()
    mail.set_content("x")
    for number in range(MAX_ATTACHMENTS + 5):
        mail.add_attachment(b"x", maintype="text", subtype="plain", filename=f"{number}.txt")
    assert len(read_mail(bytes(mail)).attachments) == MAX_ATTACHMENTS


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff",
        b"Date: yesterday\nFrom: <<>>\n\nx",
        b"Date: Thu, 99 Dec 99999 08:00:00 +9999\n\nx",
        b"Content-Type: text/plain; charset=none\n\nx",
        b"".join(
            f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n'.encode()
            for n in range(1500)
        ),
        b"Content-Type: message/rfc822\n\n" * 1500,
    ],
)
def test_read_mail_of_malformed_bytes_leaves_empty_what_it_cannot_read(raw: bytes) -> None:
    assert read_mail(raw).attachments == []

"""Mails with what they carry."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image

from ingest.document import ParsedDocument
from ingest.limits import Limits
from ingest.mail import attachments
from ingest.parser import Parser
from ingest.read import read_document
from tests.ingest import making

DIGEST = b"""From: a@example.com
To: b@example.com
Subject: Digest
MIME-Version: 1.0
Content-Type: multipart/digest; boundary="x"

--x
Content-Type: message/rfc822

From: c@example.com
Subject: Inner letter

The inner text.

--x--
"""


def _letter() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "a@example.com",
        "b@example.com",
        "The bill",
    )
    message.set_content("See the files.")
    return message


def _read(path: Path, limits: Limits | None = None) -> ParsedDocument:
    return read_document(path, path.name, limits or Limits(), "eng", lambda *_: None)


def _written(tmp_path: Path, message: EmailMessage) -> Path:
    path = tmp_path / "letter.eml"
    path.write_bytes(bytes(message))
    return path


def _attach(message: EmailMessage, data: bytes, name: str) -> None:
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)


def test_attachments_are_read_under_their_names(tmp_path: Path) -> None:
    message = _letter()
    _attach(message, making.pdf([[(72, 80, 12, "F1", "Ropes for 40 euros each.")]]), "bill.pdf")
    _attach(message, b"Item,Left\nTar,3\n", "../../stock.csv")
    document = _read(_written(tmp_path, message))
    assert "See the files." in document.text
    ropes = next(e for e in document.elements if "Ropes for 40 euros" in e.text)
    assert (ropes.heading_path, ropes.page) == (("bill.pdf",), 1)
    table = next(e for e in document.elements if e.kind == "table")
    assert table.heading_path == ("stock.csv",)
    assert document.warnings == ()


def test_a_mail_without_words_of_its_own_keeps_what_stands_above_it(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "Ann <a@example.com>", "Ben <b@example.com>, c@example.com"
    message["Cc"], message["Subject"] = "d@example.com", "Grüße"
    message["Date"] = "Thu, 1 Feb 2024 10:00:00 +0100"
    _attach(message, b"Item,Left\nTar,3\n", "stock.csv")
    title, header, *_ = _read(_written(tmp_path, message)).elements
    assert (title.kind, title.text) == ("title", "Grüße")
    assert header.text.split("\n") == [
        "From: Ann <a@example.com>",
        "To: Ben <b@example.com>, c@example.com",
        "Cc: d@example.com",
        "Date: Thu, 01 Feb 2024 10:00:00 +0100",
    ]


@pytest.mark.parametrize(
    "header",
    [
        b"From: <@\nTo: a@b, <c\nDate: garbage",
        b"From: [a]b\nTo: (((\nDate: Mon, 99 Foo 20 99:99",
        b"From: \xe9 <a@b>\nTo: a@[127.0.0",
        b"From: :;:;\nCc: <a@b>>",
    ],
)
def test_a_mail_whose_addresses_are_damaged_is_read_all_the_same(
    tmp_path: Path, header: bytes
) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(header + b"\nSubject: Ropes\n\nTen ropes are left in the loft.\n")
    document = read_document(path, path.name, Limits(), "eng", lambda *_: None)
    title, above, *_, said = document.elements
    assert (title.text, said.text) == ("Ropes", "Ten ropes are left in the loft.")
    assert above.text.startswith("From: ")


def test_an_invitation_is_told_in_words(tmp_path: Path) -> None:
    event = "BEGIN:VEVENT\r\nSUMMARY:Ropes\r\nLOCATION:Room 5\r\nEND:VEVENT\r\n"
    message = _letter()
    message.add_alternative(f"BEGIN:VCALENDAR\r\n{event}END:VCALENDAR\r\n", subtype="calendar")
    document = _read(_written(tmp_path, message))
    where = next(e for e in document.elements if e.text == "Where: Room 5")
    assert where.heading_path == ("invitation.ics", "Ropes")
    assert "VCALENDAR" not in document.text


def test_what_cannot_be_read_is_told_and_loses_nothing_else(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "inside")
    message = _letter()
    _attach(message, b"hello", "broken.pdf")
    _attach(message, b"%PDF-1.4 nothing that follows", "bill.pdf")
    _attach(message, packed.getvalue(), "many.zip")
    _attach(message, b"PK\x03\x04 no archive", "report.docx")
    _attach(message, b"The crane is out of order.", "note.txt")
    document = _read(_written(tmp_path, message))
    assert "hello" in document.text
    assert "The crane is out of order." in document.text
    assert [w.split(" ")[0] for w in document.warnings] == ["bill.pdf", "many.zip", "report.docx"]
    assert "inside" not in document.text


def test_mails_within_mails_are_read_to_a_depth(tmp_path: Path) -> None:
    path = tmp_path / "digest.eml"
    path.write_bytes(DIGEST)
    document = _read(path)
    assert "Inner letter" in document.text
    assert "The inner text." in document.text
    message = _letter()
    for depth in range(5):
        outer = _letter()
        outer.set_content(f"Level {depth}")
        outer.add_attachment(message)
        message = outer
    document = _read(_written(tmp_path, message))
    assert "Level 2" in document.text
    assert "Level 0" not in document.text
    assert any("within mails" in warning for warning in document.warnings)


def test_the_amount_of_attachments_is_bounded(tmp_path: Path) -> None:
    message = _letter()
    for n in range(4):
        _attach(message, f"Note {n}. {'x' * 900}".encode(), f"{n}.txt")
    path = _written(tmp_path, message)
    for limits in (Limits(max_attachments=2), Limits(max_expanded_bytes=2000)):
        document = _read(path, limits)
        assert "Note 1." in document.text
        assert "Note 2." not in document.text
        assert document.warnings == ("2.txt and what follows it is too much to be read.",)


def _inline(message: EmailMessage, picture: Path, name: str) -> None:
    message.add_attachment(
        picture.read_bytes(), maintype="image", subtype="png", filename=name, disposition="inline"
    )


def test_pictures_and_scans_are_read_and_logos_passed_over(tmp_path: Path) -> None:
    scan = making.scan(tmp_path / "scan.png", ["Minutes of the meeting", "in the town hall"])
    with Image.open(making.scan(tmp_path / "other.png", ["The rent is due on Mondays"])) as image:
        image.convert("RGB").save(tmp_path / "scan.pdf", save_all=True, append_images=[image] * 2)
        image.resize((140, 40)).save(tmp_path / "logo.png")
    message = _letter()
    _inline(message, scan, "screenshot.png")
    _inline(message, tmp_path / "logo.png", "logo.png")
    _inline(message, scan, "again.png")
    _attach(message, (tmp_path / "scan.pdf").read_bytes(), "scan.pdf")
    _attach(message, (tmp_path / "other.png").read_bytes(), "photo.png")
    steps: list[tuple[int, int]] = []
    document = read_document(
        _written(tmp_path, message), "x.eml", Limits(), "eng", lambda _, *step: steps.append(step)
    )
    paths = {e.heading_path[-1]: e.text for e in document.elements if e.kind != "title"}
    assert list(paths)[1:] == ["screenshot.png", "scan.pdf", "photo.png"]
    assert "Minutes of the meeting" in paths["screenshot.png"]
    assert "The rent is due" in paths["scan.pdf"]
    assert "The rent is due" in paths["photo.png"]
    assert (document.ocr_pages, document.warnings) == (5, ())
    done = [step[0] for step in steps]
    assert done == sorted(done)
    assert steps[-1] == (7, 7)


async def test_attachments_are_read_in_the_shut_in_child_too(tmp_path: Path) -> None:
    message = _letter()
    _attach(message, making.pdf([[(72, 80, 12, "F1", "Ropes for 40 euros each.")]]), "bill.pdf")
    path, parser = _written(tmp_path, message), Parser()
    try:
        assert "Ropes for 40 euros" in (await parser.parse(path, path.name)).text
    finally:
        await parser.close()


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["eml_with_attachment.eml", "fake-email.msg"])
def test_real_mails_are_read_with_what_they_carry(shared_data: Path, name: str) -> None:
    path = next((shared_data / "documents" / "formats").rglob(name))
    carried = [attached.name for attached in attachments(path, path.suffix[1:])]
    document = _read(path)
    told = " ".join(document.warnings)
    assert all(name in told or name in document.text for name in carried)

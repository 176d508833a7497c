"""Mails with what they carry, and mailboxes of them."""

from __future__ import annotations

from dataclasses import replace

from ingest import doubts, mail, mbox, office
from ingest.conversion import Conversion
from ingest.document import Piece, Reading
from ingest.failures import ParseFailed
from ingest.steps import Steps


def read_mail(conversion: Conversion) -> Reading:
    """Return what a mail says and carries, each file under its name; warn of what is not read."""
    outer = office.read(conversion.path, conversion.kind, conversion.pictures)
    if conversion.mail_depth == 0:
        outer.warnings.append("Mails within mails within mails were not read.")
        return outer
    carried = _carried(conversion, outer.warnings)
    steps = Steps(conversion.progress, len(carried))
    for attached in carried:
        inner = replace(conversion, progress=steps.next(), mail_depth=conversion.mail_depth - 1)
        _add(attached, inner, outer)
    return outer


def read_mailbox(conversion: Conversion) -> Reading:
    """Return what the mails of a mailbox say, one after the other."""
    all_of_it = Reading()
    mails = mbox.messages(conversion.path.read_bytes())
    steps = Steps(conversion.progress, len(mails))
    for number, data in enumerate(mails, 1):
        inner = replace(conversion, progress=steps.next())
        inner.progress("parsing", 0, 1)  # many mails take longer than a reader may be silent
        try:
            one = conversion.convert_attachment(inner, f"Mail {number}.eml", data)
        except ParseFailed as failed:
            all_of_it.warnings.append(f"Mail {number} was not read: {failed.message}")
        else:
            _append(all_of_it, one, conversion.languages)
    return all_of_it


def _carried(conversion: Conversion, told: list[str]) -> list[mail.Attachment]:
    """Return as many of a mail's attachments as the limits allow."""
    carried: list[mail.Attachment] = []
    left = conversion.limits.max_expanded_bytes
    for attached in mail.attachments(conversion.path, conversion.kind):
        left -= len(attached.data)
        if len(carried) >= conversion.limits.max_attachments or left < 0:
            told.append(f"{attached.name} and what follows it is too much to be read.")
            break
        carried.append(attached)
    return carried


def _add(attached: mail.Attachment, conversion: Conversion, outer: Reading) -> None:
    languages = conversion.languages
    if attached.is_inline:
        if (pictures := conversion.pictures) is not None:
            _append(outer, Reading(pictures.read(attached.data)), languages, attached.name)
        return
    try:
        reading = conversion.convert_attachment(conversion, attached.name, attached.data)
    except ParseFailed as failed:
        outer.warnings.append(f"{attached.name} was not read: {failed.message}")
        return
    if not reading.pieces:
        outer.warnings.append(f"{attached.name} was not read: no text was found in it.")
    _append(outer, reading, languages, attached.name)


def _append(outer: Reading, inner: Reading, languages: str, name: str = "") -> None:
    """Add what was read of a part, under its name if it has one."""
    if inner.pieces and name:
        outer.pieces.append(Piece("title", name))
    deeper = 1 if name else 0
    outer.pieces += (replace(piece, level=piece.level + deeper) for piece in inner.pieces)
    outer.warnings += inner.warnings
    doubted = doubts.told(inner.doubts, languages)
    outer.warnings += (f"{name}: {told}" if name else told for told in doubted)
    outer.ocr_pages += inner.ocr_pages
    known = [c for c in (outer.ocr_confidence, inner.ocr_confidence) if c is not None]
    outer.ocr_confidence = min(known, default=None)

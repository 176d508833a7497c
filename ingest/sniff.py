"""What kind of document a file is, by its content; its name only decides among text formats."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePath

from ingest import compound_file
from ingest.decode import decode, looks_like_text
from ingest.failures import CorruptDocument, EmptyDocument, EncryptedDocument, UnsupportedType
from ingest.formats import FORMATS, kind_by_suffix, kinds_of

_HEAD = 65_536

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEIF = re.compile(rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1|avi[fs])", re.DOTALL)
_TEXT, _SLIDES, _BOOKS = "WordDocument", "PowerPoint Document", ("Workbook", "Book")  # streams
_MAIL_FIELD = re.compile(
    r"^(From|To|Subject|Date|Received|Return-Path|MIME-Version|Message-ID|Content-Type):",
    re.I | re.M,
)
_FIELD_LINE = re.compile(r"(?:From |[!-9;-~]+:|[ \t])")
_HTML = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class FileType:
    """``kind`` is a key of ``FORMATS``."""

    kind: str
    mime_type: str


def sniff(path: Path, name: str) -> FileType:
    """Return what the file at ``path`` holds; ``name`` is what its owner calls it.

    Raises ``EmptyDocument``, ``UnsupportedType``, ``EncryptedDocument``, ``CorruptDocument``.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\x00 \t\r\n\f\v"):
        raise EmptyDocument("The file is empty: upload one that has content.")
    kind = _binary_kind(path, head) or _text_kind(head, PurePath(name).suffix.lower())
    return FileType(kind, FORMATS[kind].mime_type)


def _binary_kind(path: Path, head: bytes) -> str | None:
    """Return the kind of a format with a signature, ``None`` when it may be text."""
    import filetype

    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    if head.startswith(_OLE):
        return _ole_kind(path)
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if _HEIF.match(head):  # the library knows a part of their brands (ISO/IEC 23008-12, annex B)
        size = int.from_bytes(head[:4])
        return "avif" if b"avi" in head[8:size] else "heic"
    guess = filetype.guess(head)
    if guess is None:
        return None
    # Some signatures are two letters: a text that begins with "BM" is no bitmap.
    if guess.extension in kinds_of("image") and (b"\0" in head or not looks_like_text(head)):
        return str(guess.extension)
    if looks_like_text(head):
        return None
    raise _unsupported(guess.mime)


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mime = _mimetype_member(archive) if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise CorruptDocument(
            "The file is a damaged archive: save the document again and upload the new file."
        ) from error
    if "xl/workbook.bin" in names:
        raise UnsupportedType("Binary workbooks are not read: save it as xlsx and upload that.")
    for folder, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if "[Content_Types].xml" in names and any(n.startswith(folder) for n in names):
            return kind
    for kind in ("odt", "ods", "odp", "epub"):
        if mime.startswith(FORMATS[kind].mime_type):
            return kind
    raise UnsupportedType(
        f"The file is an archive or an office format that is not read ({mime or 'zip'}): "
        f"unpack it, or save its documents as {_readable()}."
    )


def _mimetype_member(archive: zipfile.ZipFile) -> str:
    with archive.open("mimetype") as member:
        return member.read(200).decode("ascii", "replace").strip()


def _ole_kind(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(32 * 1024 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise EncryptedDocument(
            "The document asks for a password: remove the protection and upload it again."
        )
    if "__substg1.0_".encode("utf-16-le") in content:
        return "msg"
    streams = _outer_streams(path, content)
    if _TEXT in streams:
        return "doc"
    if _SLIDES in streams:
        return "ppt"
    if not streams.isdisjoint(_BOOKS):
        return "xls"
    raise _unsupported("an old format of Office or of another program")


def _outer_streams(path: Path, content: bytes) -> set[str]:
    """Return the streams of a file of Office itself, not of what is embedded in it; where its
    directory is damaged, those of ours that are named anywhere."""
    try:
        with compound_file.opened(path) as file:
            return {place[0] for place in file.listdir() if len(place) == 1}
    except CorruptDocument:
        known = (_TEXT, _SLIDES, *_BOOKS)
        return {name for name in known if f"{name}\0".encode("utf-16-le") in content}


def _text_kind(head: bytes, suffix: str) -> str:
    if not looks_like_text(head):
        raise _unsupported("an unknown binary format")
    text = decode(head)
    if _HTML.match(text):
        return "html"
    if text.lstrip("\ufeff \r\n\t").startswith("<?xml"):
        return "html" if suffix in FORMATS["html"].suffixes else "xml"
    named = kind_by_suffix(suffix)
    if named is not None:
        return named
    if _is_mail(text):
        return "mbox" if text.startswith("From ") else "eml"
    return "json" if _is_json(text, len(head)) else "txt"


def _is_mail(text: str) -> bool:
    """Whether the text opens with header fields, at least two of them those of mail."""
    header = text.lstrip("\ufeff\n").split("\n\n", 1)[0]
    fields = {field.lower() for field in _MAIL_FIELD.findall(header)}
    return len(fields) > 1 and all(_FIELD_LINE.match(line) for line in header.splitlines())


def _is_json(text: str, size: int) -> bool:
    if size >= _HEAD or text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _unsupported(what: str) -> UnsupportedType:
    return UnsupportedType(f"The file is {what}, which is not read: upload {_readable()}.")


def _readable() -> str:
    kinds = (each.kind for each in FORMATS.values() if each.family != "image")
    return f"{', '.join(kinds)} or a picture"

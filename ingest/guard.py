"""Refuse documents that grow without bound when opened, before any parser opens them."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from ingest.decode import decode
from ingest.failures import CorruptDocument, DocumentTooLarge, EncryptedDocument
from ingest.formats import FORMATS
from ingest.limits import MEGABYTE, Limits

_ENTITY = re.compile(r"<!ENTITY\s", re.IGNORECASE)
_ENCRYPTED_FLAG = 0x1
_SMALL = 10 * MEGABYTE  # members up to this size may be packed as tightly as they like


def check(path: Path, kind: str, limits: Limits) -> None:
    """Raise a ``ParseFailed`` when the file breaks a limit that can be seen without parsing."""
    size = path.stat().st_size
    family = FORMATS[kind].family
    is_text = family in ("plain", "text")
    allowed = limits.max_text_file_bytes if is_text else limits.max_file_bytes
    if size > allowed:
        raise DocumentTooLarge(
            f"The file has {size} bytes and {allowed} are allowed for {kind}: split it."
        )
    if family == "archive":
        _check_archive(path, limits)
    if kind == "xml":
        _check_entities(path.read_bytes())


def _check_archive(path: Path, limits: Limits) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        asks = any(m.flag_bits & _ENCRYPTED_FLAG for m in members) or _is_sealed(archive)
    if len(members) > limits.max_members:
        raise DocumentTooLarge(
            f"The file holds {len(members)} parts and {limits.max_members} are allowed: split it."
        )
    if asks:
        raise EncryptedDocument(
            "The document asks for a password: remove the protection and upload it again."
        )
    # Readers trust the sizes that the archive declares: zipfile stops a member that lies at its
    # declared size, so that these sums bound what can come out.
    if sum(member.file_size for member in members) > limits.max_expanded_bytes:
        raise DocumentTooLarge("The file grows beyond what is allowed when it is opened: split it.")
    for member in members:
        packed = max(1, member.compress_size)
        if member.file_size > _SMALL and member.file_size / packed > limits.max_ratio:
            raise DocumentTooLarge(
                "A part of the file is packed so tightly that it looks like an archive bomb: "
                "save the document again and upload the new file."
            )


def _is_sealed(archive: zipfile.ZipFile) -> bool:
    """Whether parts of an OpenDocument are encrypted (OpenDocument 1.3, part 2, 4.8)."""
    try:
        with archive.open("META-INF/manifest.xml") as manifest:
            return b"encryption-data" in manifest.read(MEGABYTE)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError):
        return False


def _check_entities(data: bytes) -> None:
    if _ENTITY.search(decode(data)):
        raise CorruptDocument(
            "The XML declares entities, which are not read: resolve them and upload it again."
        )

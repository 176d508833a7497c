"""What the readers of OpenDocument share: the content's XML, and the text of a paragraph."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ingest.failures import CorruptDocument

_URN: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
TABLE: Final = f"{_URN}table:1.0}}"
TEXT: Final = f"{_URN}text:1.0}}"
OFFICE: Final = f"{_URN}office:1.0}}"
DRAW: Final = f"{_URN}drawing:1.0}}"
PRESENTATION: Final = f"{_URN}presentation:1.0}}"
ANNOTATION: Final = f"{OFFICE}annotation"
PARAGRAPHS: Final = (f"{TEXT}p", f"{TEXT}h")
_SPACES: Final = frozenset(f"{TEXT}{name}" for name in ("s", "tab", "line-break"))


class Package:
    """An opened document; raises ``CorruptDocument`` where it is damaged."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def member(self, name: str) -> bytes | None:
        """Return a member's bytes; ``None`` for one that is not there, or damaged."""
        try:
            return self._archive.read(name)
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError):
            return None

    def content(self, folder: str = "") -> Any:
        """Return the content of the document, or of one within it that lies in a folder."""
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        try:
            return etree.fromstring(self.member(f"{folder}content.xml") or b"", parser)
        except etree.XMLSyntaxError as error:
            raise CorruptDocument(
                "The document is damaged and cannot be opened: save it again and upload the new "
                "file."
            ) from error


def paragraphs(element: Any) -> str:
    """Return the text of all paragraphs in a cell or a comment, a space between words."""
    return " ".join(filter(None, map(said, _within(element))))


def _within(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag in PARAGRAPHS:
            yield child
        elif child.tag not in (ANNOTATION, f"{TABLE}table"):
            yield from _within(child)


def said(paragraph: Any) -> str:
    """Return a paragraph's text without comments on it, a space between words."""
    return " ".join("".join(_parts(paragraph)).split())


def _parts(element: Any) -> list[str]:
    parts = [" " if element.tag in _SPACES else element.text or ""]
    for child in element:
        is_said = isinstance(child.tag, str) and child.tag != ANNOTATION  # no remark of the XML
        parts += _parts(child) if is_said else []
        parts.append(child.tail or "")
    return parts

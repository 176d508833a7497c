"""Where pictures stand in office files and mark-up, and what they hold."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from ingest.decode import decode
from ingest.package import Package

_PICTURES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".emf", ".wmf"}
)
_HEX: Final = re.compile(rb"[0-9a-fA-F\r\n]{200,}")
_HEX_START: Final = re.compile(rb"89504e47|ffd8ff")  # of a PNG or a JPEG
_NAMED: Final = ("epub", "rtf")  # pandoc leaves their pictures' names
_PREVIEWS: Final = ("docProps/", "Thumbnails/")
_DATA_URI: Final = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)")

Content = Callable[[], bytes | None]


class Drawings:
    """The pictures of one file: those among unstructured's elements, and those that are not.

    ``marked`` are those that a text stands for, with the names of their members of the archive.
    """

    def __init__(self, path: Path, kind: str, marked: Mapping[str, str]) -> None:
        self._path = path
        self._kind = kind
        self._marked = marked

    def __enter__(self) -> Self:
        is_archive = zipfile.is_zipfile(self._path)
        self._archive = zipfile.ZipFile(self._path) if is_archive else None
        return self

    def __exit__(self, *_: object) -> None:
        if self._archive is not None:
            self._archive.close()

    def holds(self, element: Any) -> bool:
        """Whether the element is a picture, and one of the file's own."""
        is_picture = type(element).__name__ == "Image" or element.text in self._marked
        return is_picture and bool(self._name(element))

    def _name(self, element: Any) -> str:
        """Return what tells the picture from others, empty for one that is not in the file."""
        metadata = element.metadata
        name: str = self._marked.get(element.text) or metadata.image_base64 or ""
        if not name and self._kind in _NAMED and not urlsplit(metadata.image_url or "").scheme:
            name = metadata.image_url or ""
        return name

    def of(self, element: Any) -> bytes | None:
        """Return what the element shows; ``None`` where that cannot be got."""
        if member := self._marked.get(element.text):
            return self._content(member)
        if element.metadata.image_base64:
            return _decoded(element.metadata.image_base64)
        return self._member(element.metadata.image_url or "")

    def rest(self, elements: Iterable[Any]) -> Iterator[tuple[int | None, Content]]:
        """Yield, with their slide or sheet, the pictures that are in none of the elements."""
        placed = {self._name(element) for element in elements if self.holds(element)}
        if self._kind in ("html", "md"):
            for data in _DATA_URI.findall(decode(self._path.read_bytes())):
                if data not in placed:
                    yield None, partial(_decoded, data)
        for page, name in self._names():
            if name not in placed:
                yield page, partial(self._content, name)

    def everything(self) -> Iterator[Content]:
        """Yield all pictures of the archive in the order of their names, wherever they stand."""
        for name in sorted(self._archive.namelist() if self._archive else ()):
            suffix = PurePosixPath(name).suffix.lower()
            if suffix in _PICTURES and not name.startswith(_PREVIEWS):
                yield partial(self._content, name)

    def _names(self) -> Iterator[tuple[int | None, str]]:
        if self._archive is not None and self._kind in ("docx", "pptx", "xlsx"):
            package = Package(self._archive)
            for page, part in package.pages(self._kind):
                yield from ((page, name) for name in package.pictures(part))

    def _member(self, url: str) -> bytes | None:
        """Return the archive's member that the address of an EPUB's picture ends with; of RTF,
        what pandoc calls so."""
        if self._archive is None:
            return self._of_rtf.get(url.partition(".")[0])
        end = posixpath.normpath(unquote(url)).removeprefix("../")
        names = (n for n in self._archive.namelist() if n == end or n.endswith("/" + end))
        return next(map(self._content, names), None)

    @cached_property
    def _of_rtf(self) -> dict[str, bytes]:
        """The pictures of an RTF by their SHA-1, which is how pandoc names them."""
        found: dict[str, bytes] = {}
        for run in _HEX.findall(self._path.read_bytes()):
            digits = run.translate(None, b"\r\n").lower()
            if start := _HEX_START.search(digits):
                digits = digits[start.start() :]
                data = bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
                found[hashlib.sha1(data, usedforsecurity=False).hexdigest()] = data
        return found

    def _content(self, name: str) -> bytes | None:
        """Return what the member holds; ``None`` for one that is missing or damaged."""
        assert self._archive is not None
        try:
            return self._archive.read(name)
        except (KeyError, zipfile.BadZipFile, zlib.error, EOFError):
            return None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return None

"""What people noted on slides, with who did: as PowerPoint keeps it since 2007, and since 2021.

The newer parts hold conversations, each remark with its answers (MS-PPTX, 2.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from ingest.document import Piece
from ingest.package import Package, lines, parsed

_AUTHORS: Final = ("commentAuthors", "authors")
_REMARKS: Final = "//*[local-name()='cm' or local-name()='reply']"
_OLD: Final = "./*[local-name()='text']//text()"
_BODIES: Final = "./*[local-name()='txBody']"


def read(path: Path) -> Iterator[Piece]:
    """Yield the comments of a pptx by their slides, answers below what they answer."""
    with ZipFile(path) as archive:
        package = Package(archive)
        names = _names(package)
        for page, part in package.pages("pptx"):
            for data in package.related(part, "comments"):
                root = parsed(data)
                for remark in root.xpath(_REMARKS) if len(root) else ():
                    if words := _words(remark):
                        yield Piece("text", told(words, names.get(remark.get("authorId"))), page)


def told(words: str, author: str | None) -> str:
    """Return a comment as one: the document itself does not say it."""
    return f"Comment by {author}: {words}" if author else f"Comment: {words}"


def _names(package: Package) -> dict[str | None, str]:
    roots = [parsed(d) for kind in _AUTHORS for d in package.related(package.main, kind)]
    return {author.get("id"): author.get("name", "") for root in roots for author in root}


def _words(remark: Any) -> str:
    new = [line for body in remark.xpath(_BODIES) for line in lines(body)]
    return " ".join(" ".join([*remark.xpath(_OLD), *new]).split())

"""What is written in the shapes and text boxes that lie upon the sheets of a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from ingest.document import Piece
from ingest.package import Package, lines, parsed

_BODIES: Final = "//*[local-name()='txBody'][not(ancestor::*[local-name()='Fallback'])]"


def read(path: Path) -> Iterator[Piece]:
    """Yield a text for each shape of an xlsx that has one, with the number of its sheet."""
    with ZipFile(path) as archive:
        package = Package(archive)
        for page, sheet in package.pages("xlsx"):
            for drawing in package.related(sheet, "drawing"):
                yield from (Piece("text", text, page) for text in _texts(parsed(drawing)))


def _texts(root: Any) -> Iterator[str]:
    for body in root.xpath(_BODIES) if len(root) else ():
        if text := "\n".join(filter(None, (" ".join(line.split()) for line in lines(body)))):
            yield text

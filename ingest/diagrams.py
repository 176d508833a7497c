"""SmartArt of slides and texts: what its shapes say, in the order and under the ones it was given.

The part of the data model has the points with their text, and which is part of which (ECMA-376,
part 1, 21.4.3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from ingest.document import Piece
from ingest.package import Package, lines, parsed

_POINTS: Final = "//*[local-name()='ptLst']/*[local-name()='pt']"
_PARTS: Final = "//*[local-name()='cxnLst']/*[local-name()='cxn'][not(@type) or @type='parOf']"
_BODIES: Final = "./*[local-name()='t']"


def read(path: Path, kind: str) -> Iterator[Piece]:
    """Yield the diagrams of a pptx by their slides, of a docx in the order of its text."""
    with ZipFile(path) as archive:
        package = Package(archive)
        for page, part in package.pages(kind):
            for data in package.diagrams(part):
                yield from (Piece("list", text, page) for text in _told(parsed(data)))


def _told(root: Any) -> Iterator[str]:
    if not len(root):
        return
    texts = {point.get("modelId"): _text(point) for point in root.xpath(_POINTS)}
    parts: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for link in root.xpath(_PARTS):
        order = link.get("srcOrd", "")
        number = int(order) if order.isdecimal() else 0
        parts[link.get("srcId", "")].append((number, link.get("destId", "")))
    within = {name for named in parts.values() for _, name in named}
    waiting = [name for name in reversed(texts) if name not in within]
    while waiting:
        name = waiting.pop()
        waiting += [inner for _, inner in sorted(parts.pop(name, []), reverse=True)]
        if text := texts.pop(name, ""):
            yield text
    yield from filter(None, texts.values())  # of links that go round in a ring


def _text(point: Any) -> str:
    found = (line for body in point.xpath(_BODIES) for line in lines(body))
    return " ".join(" ".join(found).split())

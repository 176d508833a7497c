"""The parts of an Office Open XML file (docx, pptx, xlsx) and what each refers to."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_PARTS: Final = ".//*[local-name()='t' or local-name()='br']"
_PAGES: Final = {"pptx": ("slide",), "xlsx": ("worksheet", "chartsheet", "dialogsheet")}


@dataclass(frozen=True)
class _Relation:
    id: str
    kind: str
    target: str


class Package:
    """An opened archive of parts; those that are missing, damaged or no XML refer to nothing."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = frozenset(archive.namelist())

    @property
    def main(self) -> str:
        """The name of the part that all others belong to, empty where there is none."""
        found = (r.target for r in self._relations("") if r.kind == "officeDocument")
        return next(found, "")

    def pages(self, kind: str) -> Iterator[tuple[int | None, str]]:
        """Yield the numbers and names of the slides or sheets in their order; of a docx its body,
        which has no number."""
        if kind == "docx":
            yield None, self.main
            return
        pages = (r for r in self._shown(self.main) if r.kind in _PAGES[kind])
        yield from ((number, page.target) for number, page in enumerate(pages, 1))

    def pictures(self, part: str) -> Iterator[str]:
        """Yield the names of the pictures that the part shows, in their order in it."""
        for relation in self._shown(part):
            if relation.kind == "image":
                yield relation.target
            elif relation.kind == "drawing":  # of a sheet
                yield from self.pictures(relation.target)

    def charts(self, part: str) -> Iterator[bytes]:
        """Yield what the charts of a part hold, in their order in it."""
        yield from self._parts(part, "chart")

    def diagrams(self, part: str) -> Iterator[bytes]:
        """Yield what the diagrams (SmartArt) of a part hold, in their order in it."""
        yield from self._parts(part, "diagramData")

    def _parts(self, part: str, kind: str) -> Iterator[bytes]:
        for relation in self._shown(part):
            if relation.kind == kind:
                yield self.read(relation.target)

    def related(self, part: str, kind: str) -> Iterator[bytes]:
        """Yield what the parts of a kind that belong to a part hold, named in it or not."""
        for relation in self._relations(part):
            if relation.kind == kind:
                yield self.read(relation.target)

    def read(self, name: str) -> bytes:
        """Return what a part holds, nothing of one that is missing or damaged."""
        try:
            return self._archive.read(name) if name in self._members else b""
        except (zipfile.BadZipFile, zlib.error, EOFError):
            return b""

    def _shown(self, part: str) -> list[_Relation]:
        """Return what the part refers to, in the order in which it names them."""
        data = self.read(part)
        places = {r: data.find(f'"{r.id}"'.encode()) for r in self._relations(part)}
        return sorted((r for r in places if places[r] >= 0), key=lambda r: places[r])

    def _relations(self, part: str) -> Iterator[_Relation]:
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        for each in parsed(self.read(listed)):
            if each.get("TargetMode") != "External":
                kind = posixpath.basename(each.get("Type", ""))
                target = posixpath.normpath(posixpath.join("/", folder, each.get("Target", "")))
                yield _Relation(each.get("Id", ""), kind, target.lstrip("/"))


def lines(body: Any) -> list[str]:
    """Return what the paragraphs of a drawing's text say (ECMA-376, part 1, 21.1.2), a line each; a
    break within one parts words."""
    return ["".join(map(_said, p.xpath(_PARTS))) for p in body.xpath("./*[local-name()='p']")]


def _said(part: Any) -> str:
    return part.text or "" if part.tag.endswith("}t") else " "


def parsed(data: bytes) -> Any:
    """Return a part's root, an empty one where it is no XML."""
    from lxml import etree

    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        return ()

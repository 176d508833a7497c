"""Word documents as unstructured is given them, so that it loses nothing that people read.

python-docx knows the runs that are a paragraph's own. What was inserted by someone whose changes
are tracked, what stands in fields of a form or in a text box, and notes are no such runs.
"""

from __future__ import annotations

import io
import posixpath
import secrets
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from ingest import formulas, spans
from ingest.annotations import CHECKED, UNCHECKED
from ingest.comments import told
from ingest.package import parsed

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_INLINE: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}inline"
_R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SHOWN: Final = {  # what shows a picture, and what in it names that
    "{http://schemas.openxmlformats.org/drawingml/2006/main}blip": f"{_R}embed",
    "{urn:schemas-microsoft-com:vml}imagedata": f"{_R}id",
}
_GONE: Final = (f"{_W}del", f"{_W}moveFrom", f"{_W}sdtPr", f"{_W}sdtEndPr")
_AROUND: Final = tuple(
    f"{_W}{name}"
    for name in "ins moveTo sdt sdtContent smartTag fldSimple customXml bdo dir".split()
)
_DELETED_ROWS: Final = ".//w:tr[w:trPr/w:del]"
_CONTENTS: Final = ".//w:sdt[w:sdtPr/w:docPartObj/w:docPartGallery[@w:val='Table of Contents']]"
_TWICE: Final = (
    ".//*[local-name()='AlternateContent'][*[local-name()='Choice']//w:txbxContent]"
    "/*[local-name()='Fallback']"
)
_RAISED: Final = ".//w:r[w:rPr/w:vertAlign[@w:val='superscript']]"
_NOTES: Final = {  # the reference in the text, by the part that says what it refers to
    "footnotes": f"{_W}footnoteReference",
    "endnotes": f"{_W}endnoteReference",
    "comments": f"{_W}commentReference",
}


def prepare_document(path: Path, *, with_pictures: bool) -> tuple[io.BytesIO, dict[str, str]]:
    """Return a copy with formulas, accepted changes, fields, text boxes and notes where they stand:
    unstructured would leave them out, and sentences with a hole in their place.

    The texts that stand for the pictures, where they are wanted, come with the names of those.
    """
    from docx import Document

    document = Document(str(path))
    body = document.element.body
    _write_choices(body)
    _accept_changes(body)
    _take_out_of_boxes(body)
    formulas.write_out(body, _W)
    _write_powers(body)
    _place_notes(document)
    marks = _mark_pictures(document) if with_pictures else {}
    _fill_merged_rows(body)
    for name, relation in list(document.part.rels.items()):
        if relation.reltype.endswith("/image"):  # the copy is read for its text
            document.part.rels.pop(name)
    copy = io.BytesIO()
    document.save(copy)
    copy.seek(0)
    return copy, marks


def _mark_pictures(document: Any) -> dict[str, str]:
    """Put a text for each picture behind the paragraph, or the table, that shows it."""
    parts = document.part.related_parts  # others are links to what is not in the file
    secret, marks = secrets.token_hex(8), dict[str, str]()
    last: dict[Any, Any] = {}
    for shown in list(document.element.body.iter(*_SHOWN)):
        block, part = _block(shown), parts.get(shown.get(_SHOWN[shown.tag]))
        if block is not None and part is not None:
            mark = f"picture-{secret}-{len(marks)}"
            marks[mark] = part.partname.lstrip("/")
            _add_behind(block, mark, last)
    return marks


def _accept_changes(body: Any) -> None:
    """Leave what is in force, with nothing around it that python-docx does not look into."""
    from lxml import etree

    for gone in (*body.xpath(_DELETED_ROWS), *body.xpath(_CONTENTS)):
        if gone.getparent() is not None:
            gone.getparent().remove(gone)
    etree.strip_elements(body, *_GONE, with_tail=False)
    etree.strip_tags(body, *_AROUND)
    for base in body.xpath(".//w:ruby/w:rubyBase"):  # above it stands how it is read
        words = "".join(text.text or "" for text in base.iter(f"{_W}t"))
        base.getparent().addprevious(_text(base, words))


def _write_choices(body: Any) -> None:
    """Say what was chosen in lists and boxes of forms as Word had them before 2007, which is
    nowhere in the text."""
    for data in body.iter(f"{_W}ffData"):
        run = data.getparent().getparent()
        for box in data.iterchildren(f"{_W}checkBox"):
            run.append(_text(run, f"{CHECKED if _is_on(box) else UNCHECKED} "))
        for choice in data.iterchildren(f"{_W}ddList"):
            entries = [entry.get(f"{_W}val") for entry in choice.iterchildren(f"{_W}listEntry")]
            run.append(_text(run, _at(entries, _set_to(choice, "result", "default"))))


def _is_on(box: Any) -> bool:
    return _set_to(box, "checked", "default") not in (None, "0", "false", "off")


def _set_to(field: Any, *names: str) -> str | None:
    """Return the value of the first of these settings that there is; "1" where it has none."""
    found = (field.find(f"{_W}{name}") for name in names)
    return next((each.get(f"{_W}val", "1") for each in found if each is not None), None)


def _at(entries: list[str | None], place: str | None) -> str:
    index = int(place) if place and place.isdecimal() else 0
    return (entries[index] if index < len(entries) else None) or ""


def _take_out_of_boxes(body: Any) -> None:
    """Have the paragraphs of a text box follow the one that it is anchored to. A box of one line
    within a line is read there."""
    for fallback in body.xpath(_TWICE):  # the same for old programs
        fallback.getparent().remove(fallback)
    last: dict[Any, Any] = {}  # what was taken out behind a paragraph, at its end
    for box in body.xpath(".//w:txbxContent"):
        place = next(box.iterancestors(f"{_W}p"), None)
        is_in_line = len(box) == 1 and next(box.iterancestors(_INLINE), None) is not None
        if place is None or is_in_line:
            continue
        for block in list(box):
            last.get(place, place).addnext(block)
            last[place] = block


def _write_powers(body: Any) -> None:
    """Have 10 to the 5th not be 105."""
    for run in body.xpath(_RAISED):
        before = run.getprevious()
        follows = before is not None and before.tag == run.tag and before.text[-1:].isdigit()
        if follows and formulas.is_power(run.text):
            run.insert(1, _text(run, "^"))  # behind its properties


def _fill_merged_rows(body: Any) -> None:
    """Say a cell that is merged over rows in each of them, a long one in the first alone, as
    ``ingest.spans`` has it: from each row python-docx would climb to the first."""
    for table in body.iter(f"{_W}tbl"):
        above: dict[int, Any] = {}  # by column: the cell that the one above it goes on
        for row in table.iterchildren(f"{_W}tr"):
            column, merged = 0, dict[int, Any]()
            for cell in row.iterchildren(f"{_W}tc"):
                mark = cell.find(f"{_W}tcPr/{_W}vMerge")
                if mark is not None:
                    goes_on = mark.get(f"{_W}val", "continue") == "continue"
                    merged[column] = above.get(column, cell) if goes_on else cell
                    mark.getparent().remove(mark)
                    if merged[column] is not cell:
                        _fill(cell, merged[column])
                column += _columns_of(cell)
            above = merged


def _fill(cell: Any, first: Any) -> None:
    if len("".join(text.text or "" for text in first.iter(f"{_W}t"))) <= spans.LONGEST:
        for block in cell.findall(f"{_W}p"):
            cell.remove(block)
        cell.extend(deepcopy(block) for block in first.findall(f"{_W}p"))


def _columns_of(cell: Any) -> int:
    span = cell.find(f"{_W}tcPr/{_W}gridSpan")
    width = "" if span is None else span.get(f"{_W}val", "")
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 6 else 1


def _place_notes(document: Any) -> None:
    """Put notes and comments as paragraphs behind those that refer to them, or behind the table."""
    notes = dict(_notes(document.part))
    last: dict[Any, Any] = {}  # what was put behind a block, at its end
    for reference in document.element.body.iter(*_NOTES.values()):
        place = _block(reference)
        if place is None:
            continue
        for words in notes.get((reference.tag, reference.get(f"{_W}id")), ()):
            _add_behind(place, words, last)


def _add_behind(block: Any, words: str, last: dict[Any, Any]) -> None:
    """Put a paragraph behind a block, and behind what was put there before."""
    paragraph, run = block.makeelement(f"{_W}p"), block.makeelement(f"{_W}r")
    run.append(_text(run, words))
    paragraph.append(run)
    last.get(block, block).addnext(paragraph)
    last[block] = paragraph


def _notes(part: Any) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield the paragraphs of each note by its reference and id."""
    for relation in part.rels.values():
        reference = _NOTES.get(posixpath.basename(relation.reltype))
        if reference is None or relation.is_external:
            continue
        for note in parsed(relation.target_part.blob):
            lines = [line for p in note.iter(f"{_W}p") if (line := _words(p))]
            if reference == _NOTES["comments"] and lines:
                lines = [told(" ".join(lines), note.get(f"{_W}author"))]
            yield (reference, note.get(f"{_W}id")), lines


def _words(paragraph: Any) -> str:
    breaks = (f"{_W}tab", f"{_W}br", f"{_W}cr")
    parts = paragraph.iter(f"{_W}t", *breaks)
    return " ".join("".join(" " if p.tag in breaks else p.text or "" for p in parts).split())


def _block(element: Any) -> Any:
    """Return the outermost table that the element stands in, else its paragraph, if any."""
    around = list(element.iterancestors(f"{_W}p", f"{_W}tbl"))
    tables = [block for block in around if block.tag == f"{_W}tbl"]
    return next(reversed(tables or around), None)


def _text(near: Any, words: str) -> Any:
    text = near.makeelement(f"{_W}t")
    text.text = words
    return text

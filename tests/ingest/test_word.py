"""Word documents: what python-docx does not look into is read where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document
from docx.oxml import parse_xml

from ingest import office

_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
_NOTE = (
    '<w:{0}s {1}><w:{0} w:type="separator" w:id="0"><w:p/></w:{0}><w:{0} w:id="2"><w:p><w:r>'
    "<w:{0}Ref/></w:r><w:r><w:t> Hemp </w:t><w:br/><w:t>alone.</w:t></w:r></w:p></w:{0}></w:{0}s>"
)
_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def _xml(inner: str) -> Any:
    (element,) = parse_xml(f"<w:body {_SPACES}>{inner}</w:body>")
    return element


def _run(text: str, properties: str = "") -> str:
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def _read(path: Path, letter: Any) -> list[str]:
    letter.save(str(path / "a.docx"))
    return [piece.text for piece in office.read(path / "a.docx", "docx").pieces]


def _field(data: str) -> str:
    """A field of a form as Word has had them since before 2007."""
    begin = f'<w:fldChar w:fldCharType="begin"><w:ffData>{data}</w:ffData></w:fldChar>'
    instruction = "<w:r><w:instrText> FORM </w:instrText></w:r>"
    return f'<w:r>{begin}</w:r>{instruction}<w:r><w:fldChar w:fldCharType="end"/></w:r>'


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (f'<w:ins w:id="1">{_run("new ")}</w:ins>', "Ropes are new and hold."),
        (f'<w:moveTo w:id="1">{_run("moved ")}</w:moveTo>', "Ropes are moved and hold."),
        (f'<w:del w:id="1">{_run("old ").replace("w:t", "w:delText")}</w:del>',
         "Ropes are and hold."),
        (f'<w:moveFrom w:id="1">{_run("gone ")}</w:moveFrom>', "Ropes are and hold."),
        (f"<w:sdt><w:sdtPr/><w:sdtContent>{_run('chosen ')}</w:sdtContent></w:sdt>",
         "Ropes are chosen and hold."),
        (f'<w:fldSimple w:instr="DATE">{_run("2024 ")}</w:fldSimple>', "Ropes are 2024 and hold."),
        (f'<w:smartTag w:element="x">{_run("smart ")}</w:smartTag>', "Ropes are smart and hold."),
        (f"<w:r><w:ruby><w:rt>{_run('rō')}</w:rt><w:rubyBase>{_run('ropy ')}</w:rubyBase></w:ruby>"
         "</w:r>", "Ropes are ropy and hold."),
        (_run("10") + _run("5 ", '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'),
         "Ropes are 10^5 and hold."),
        *(
            (_field(f"<w:ddList>{chosen}<w:listEntry w:val='thin '/><w:listEntry w:val='thick '/>"
                    "</w:ddList>"), f"Ropes are {said} and hold.")
            for chosen, said in (("<w:result w:val='1'/><w:default w:val='0'/>", "thick"),
                                 ("<w:default w:val='1'/>", "thick"), ("", "thin"))
        ),
        (_field("<w:ddList><w:result w:val='1'/></w:ddList>"), "Ropes are and hold."),
        *(
            (_field(f"<w:checkBox>{state}</w:checkBox>"), f"Ropes are {mark} and hold.")
            for state, mark in (("<w:default w:val='0'/><w:checked/>", "☒"), ("", "☐"),
                                ("<w:default w:val='1'/>", "☒"),
                                ("<w:default w:val='1'/><w:checked w:val='0'/>", "☐"))
        ),
    ],
)  # fmt: skip
def test_a_sentence_has_no_hole_and_nothing_that_was_deleted(
    tmp_path: Path, inner: str, said: str
) -> None:
    letter = Document()
    paragraph = letter.add_paragraph("Ropes are ")
    for element in parse_xml(f"<w:p {_SPACES}>{inner}</w:p>"):
        paragraph._p.append(element)
    paragraph.add_run("and hold.")
    assert _read(tmp_path, letter) == [said]


def test_fields_of_a_form_and_inserted_rows_are_read_and_deleted_ones_not(tmp_path: Path) -> None:
    letter = Document()
    table = letter.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Rope", "Load"
    cells = "<w:tc><w:p>{0}</w:p></w:tc><w:tc><w:p>{0}</w:p></w:tc>"
    row = f"<w:tr>{cells.format(_run('7'))}</w:tr>"
    table._tbl.append(_xml(f"<w:sdt><w:sdtContent>{row}</w:sdtContent></w:sdt>"))
    gone = f'<w:tr><w:trPr><w:del w:id="1"/></w:trPr>{cells.format(_run("8"))}</w:tr>'
    table._tbl.append(_xml(gone))
    block = f"<w:sdt><w:sdtPr/><w:sdtContent><w:p>{_run('Filled in.')}</w:p></w:sdtContent></w:sdt>"
    table._tbl.addprevious(_xml(block))
    assert _read(tmp_path, letter) == ["Filled in.", "| Rope | Load |\n| --- | --- |\n| 7 | 7 |"]


def test_a_table_of_contents_is_left_out(tmp_path: Path) -> None:
    letter = Document()
    gallery = '<w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj>'
    listed = f"<w:p>{_run('Ropes 3')}</w:p>"
    contents = f"<w:sdt><w:sdtPr>{gallery}</w:sdtPr><w:sdtContent>{listed}</w:sdtContent></w:sdt>"
    letter.add_paragraph("Words.")._p.addprevious(_xml(contents))
    assert _read(tmp_path, letter) == ["Words."]


def test_a_text_box_follows_the_paragraph_that_it_is_anchored_to(tmp_path: Path) -> None:
    letter = Document()
    box = f"<w:txbxContent><w:p>{_run('Boxed.')}</w:p><w:p>{_run('More.')}</w:p></w:txbxContent>"
    new = f'<mc:Choice Requires="wps"><wps:txbx>{box}</wps:txbx></mc:Choice>'
    run = f"<w:r><mc:AlternateContent>{new}<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
    first = letter.add_paragraph("Before.")
    first._p.append(_xml(f"{run}</mc:AlternateContent></w:r>"))
    first._p.append(_xml(f"<w:r><w:pict>{box.replace('Boxed', 'Second')}</w:pict></w:r>"))
    letter.add_paragraph("After.")
    assert _read(tmp_path, letter) == ["Before.", "Boxed.", "More.", "Second.", "More.", "After."]


def test_a_box_within_a_line_is_read_in_it(tmp_path: Path) -> None:
    letter = Document()
    paragraph = letter.add_paragraph("Pull the ")
    box = f"<wps:txbx><w:txbxContent><w:p>{_run('red')}</w:p></w:txbxContent></wps:txbx>"
    paragraph._p.append(_xml(f"<w:r><w:drawing><wp:inline>{box}</wp:inline></w:drawing></w:r>"))
    paragraph.add_run(" rope.")
    assert _read(tmp_path, letter) == ["Pull the red rope."]


def _with_notes(path: Path, name: str) -> None:
    """Add the part of the notes to the saved document."""
    with ZipFile(path / "a.docx") as old, ZipFile(path / "b.docx", "w") as new:
        for member in old.namelist():
            data = old.read(member).decode("latin-1")
            relation = f'<Relationship Id="rN" Type="{_KIND}{name}s" Target="{name}s.xml"/>'
            if member == "word/_rels/document.xml.rels":
                data = data.replace("</Relationships>", f"{relation}</Relationships>")
            new.writestr(member, data.encode("latin-1"))
        new.writestr(f"word/{name}s.xml", _NOTE.format(name, _SPACES))


def _paragraph(letter: Any) -> Any:
    return letter.add_paragraph("Ropes hold.")


def _cell(letter: Any) -> Any:
    table = letter.add_table(1, 2)
    table.cell(0, 0).text = "Rope"
    return table.cell(0, 1).paragraphs[0]


@pytest.mark.parametrize("name", ["footnote", "endnote"])
@pytest.mark.parametrize("place", [_paragraph, _cell])
def test_a_note_stands_behind_what_refers_to_it(
    tmp_path: Path, name: str, place: Callable[[Any], Any]
) -> None:
    letter = Document()
    paragraph = place(letter)
    paragraph._p.append(_xml(f'<w:r><w:{name}Reference w:id="2"/></w:r>'))
    letter.add_paragraph("After.")
    letter.save(str(tmp_path / "a.docx"))
    _with_notes(tmp_path, name)
    found = [piece.text for piece in office.read(tmp_path / "b.docx", "docx").pieces]
    assert found[1:] == ["Hemp alone.", "After."]


def test_comments_are_told_as_such_behind_what_they_are_on(tmp_path: Path) -> None:
    letter = Document()
    first = letter.add_paragraph("Ropes hold.")
    letter.add_paragraph("After.")
    letter.add_comment(first.runs[0], text="Which ones?", author="Ann")
    letter.add_comment(first.add_run(" All do."), text="All.", author="")
    assert _read(tmp_path, letter) == [
        "Ropes hold. All do.",
        "Comment by Ann: Which ones?",
        "Comment: All.",
        "After.",
    ]

"""Slides: what stands on them is read, in the order in which people read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.oxml import parse_xml
from pptx.util import Inches

from ingest import office
from ingest.document import Piece, assemble

_SPACES = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
_SHAPE = (
    '<p:sp><p:nvSpPr><p:cNvPr id="9" name="x"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr>'
    "<p:spPr/><p:txBody><a:bodyPr/><a:p>{0}</a:p></p:txBody></p:sp>"
)
_MATHS = (
    "<a14:m><m:oMathPara><m:oMath><m:r><m:t>E=m</m:t></m:r>"
    "<m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    "</m:oMath></m:oMathPara></a14:m>"
)
_FORMULA = f"<a:r><a:t>The law is </a:t></a:r>{_MATHS}<a:r><a:t> here.</a:t></a:r>"


def _read(path: Path, shown: Any) -> list[Piece]:
    shown.save(str(path / "a.pptx"))
    return office.read(path / "a.pptx", "pptx").pieces


def _add(slide: Any, text: str, top: float) -> None:
    box = slide.shapes.add_textbox(Inches(1), Inches(top), Inches(3), Inches(0.3))
    box.text_frame.text = text


def test_a_slide_is_read_from_its_title_to_what_is_said_beside_it(tmp_path: Path) -> None:
    shown = Presentation()
    slide = shown.slides.add_slide(shown.slide_layouts[5])
    slide.shapes.title.text = "Ropes"
    slide.notes_slide.notes_text_frame.text = "Tell them of hemp."
    _add(slide, "Draft", 0)
    _add(slide, "They hold.", 4)
    _add(shown.slides.add_slide(shown.slide_layouts[6]), "No title here.", 1)
    found = _read(tmp_path, shown)
    assert [(p.kind, p.page, p.text) for p in found] == [
        ("title", 1, "Ropes"),
        ("text", 1, "Draft"),
        ("text", 1, "They hold."),
        ("text", 1, "Tell them of hemp."),
        ("text", 2, "No title here."),
    ]


def test_a_slide_without_a_title_is_not_under_that_of_another(tmp_path: Path) -> None:
    shown = Presentation()
    shown.slides.add_slide(shown.slide_layouts[5]).shapes.title.text = "Ropes"
    _add(shown.slides.add_slide(shown.slide_layouts[6]), "No title here.", 1)
    shown.save(str(tmp_path / "a.pptx"))
    *_, last = assemble(office.read(tmp_path / "a.pptx", "pptx")).elements
    assert (last.text, last.heading_path) == ("No title here.", ())


def test_formulas_stand_in_their_sentence(tmp_path: Path) -> None:
    shown = Presentation()
    slide = shown.slides.add_slide(shown.slide_layouts[6])
    new, old = _SHAPE.format(_FORMULA), _SHAPE.format("<a:r><a:t> </a:t></a:r>")
    slide.shapes._spTree.append(
        parse_xml(
            f'<mc:AlternateContent {_SPACES}><mc:Choice Requires="a14">{new}</mc:Choice>'
            f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
        )
    )
    assert [p.text for p in _read(tmp_path, shown)] == ["The law is E=mc^2 here."]


def test_formulas_that_are_chosen_within_a_paragraph_are_read_once(tmp_path: Path) -> None:
    shown = Presentation()
    slide = shown.slides.add_slide(shown.slide_layouts[6])
    chosen = (
        f'<mc:AlternateContent><mc:Choice Requires="a14">{_MATHS}</mc:Choice>'
        "<mc:Fallback><a:r><a:t>?</a:t></a:r></mc:Fallback></mc:AlternateContent>"
    )
    shape = _SHAPE.format(f"<a:r><a:t>So </a:t></a:r>{chosen}")
    slide.shapes._spTree.append(parse_xml(shape.replace("<p:sp>", f"<p:sp {_SPACES}>", 1)))
    assert [p.text for p in _read(tmp_path, shown)] == ["So E=mc^2"]

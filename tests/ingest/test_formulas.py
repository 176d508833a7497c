"""Formulas of Word documents are read where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from docx import Document
from lxml import etree

from ingest import office
from ingest.formulas import of_mathml, of_office

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def _office(source: str) -> etree._Element:
    return etree.fromstring(f'<m:oMath xmlns:m="{OFFICE}">{source}</m:oMath>')


def _part(name: str, text: str) -> str:
    return f"<m:{name}><m:r><m:t>{text}</m:t></m:r></m:{name}>"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"<m:f>{_part('num', 'a+b')}{_part('den', '2')}</m:f>", "(a+b)/2"),
        (f"<m:sSup>{_part('e', 'x')}{_part('sup', '2')}</m:sSup>", "x^2"),
        (f"<m:sSub>{_part('e', 'y')}{_part('sub', 'i')}</m:sSub>", "y_i"),
        (f"<m:sSubSup>{_part('e', 'y')}{_part('sub', 'i')}{_part('sup', 'n-1')}</m:sSubSup>",
         "y_i^(n-1)"),
        (f"<m:rad><m:deg/>{_part('e', '2x')}</m:rad>", "√2x"),
        (f"<m:rad>{_part('deg', '3')}{_part('e', 'a+b')}</m:rad>", "3√(a+b)"),
        (f'<m:f><m:fPr><m:type m:val="noBar"/></m:fPr>{_part("num", "n")}{_part("den", "k")}</m:f>',
         "n; k"),
        (f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>{_part("sub", "k=1")}{_part("sup", "n")}'
         f"{_part('e', 'k')}</m:nary>", "∑_(k=1)^n k"),
        (f"<m:nary><m:sub/><m:sup/>{_part('e', 'dx')}</m:nary>", "∫ dx"),
        (f"<m:d>{_part('e', 'a')}{_part('e', 'b')}</m:d>", "(a|b)"),
        (f'<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr>{_part("e", "a")}</m:d>',
         "[a]"),
        (f"<m:func>{_part('fName', 'cos')}{_part('e', 'x')}</m:func>", "cos x"),
        (f"<m:m><m:mr>{_part('e', '1')}{_part('e', '2')}</m:mr><m:mr>{_part('e', '3')}</m:mr>"
         "</m:m>", "1 2; 3"),
    ],
)  # fmt: skip
def test_formulas_of_office_are_told_on_a_line(source: str, said: str) -> None:
    assert of_office(_office(source)) == said


def test_formulas_of_mathml_are_told_alike() -> None:
    source = "<math><msup><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></msup></math>"
    assert of_mathml(etree.fromstring(source)) == "(a + b)^2"


def test_a_formula_stands_in_its_sentence(tmp_path: Path) -> None:
    letter = Document()
    paragraph = letter.add_paragraph("The area is ")
    formula = _office(
        f"<m:r><m:t>A=π</m:t></m:r><m:sSup>{_part('e', 'r')}{_part('sup', '2')}</m:sSup>"
    )
    paragraph._p.append(formula)
    paragraph.add_run(" for a circle.")
    alone = etree.SubElement(letter.add_paragraph()._p, f"{{{OFFICE}}}oMathPara")
    alone.append(_office("<m:r><m:t>E=mc</m:t></m:r>"))
    letter.save(str(tmp_path / "a.docx"))
    pieces = office.read(tmp_path / "a.docx", "docx").pieces
    assert [piece.text for piece in pieces] == ["The area is A=πr^2 for a circle.", "E=mc"]

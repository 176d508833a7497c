"""SmartArt is read as a list."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from pptx import Presentation

from ingest import office

_SPACES = (
    'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)
_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"


def _point(name: str, text: str) -> str:
    return f'<d:pt modelId="{name}"><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>'


def _link(order: int, source: str, target: str, kind: str = "") -> str:
    return f'<d:cxn srcId="{source}" destId="{target}" srcOrd="{order}" {kind}/>'


def _model(links: str) -> str:
    points = _point("b", "Second") + _point("c", "Inner") + _point("a", "First")
    root = '<d:pt modelId="0" type="doc"/>'
    lists = f"<d:ptLst>{root}{points}</d:ptLst><d:cxnLst>{links}</d:cxnLst>"
    return f"<d:dataModel {_SPACES}>{lists}</d:dataModel>"


_TREE = _link(1, "0", "b") + _link(0, "0", "a") + _link(0, "a", "c")
_PRESENTED = _link(0, "c", "b", 'type="presOf"')


def _with_diagram(path: Path, model: str) -> Path:
    shown = Presentation()
    shown.slides.add_slide(shown.slide_layouts[5]).shapes.title.text = "One"
    shown.save(str(path / "plain.pptx"))
    relation = f'<Relationship Id="rD" Type="{_KIND}" Target="../diagrams/data1.xml"/>'
    frame = f'<p:extLst><p:ext uri="x"><d:relIds {_SPACES} dm="rD"/></p:ext></p:extLst>'
    with ZipFile(path / "plain.pptx") as old, ZipFile(path / "a.pptx", "w") as new:
        for member in old.namelist():
            data = old.read(member)
            if member == "ppt/slides/_rels/slide1.xml.rels":
                data = data.replace(b"</Relationships>", f"{relation}</Relationships>".encode())
            if member == "ppt/slides/slide1.xml":
                data = data.replace(b"</p:sld>", f"{frame}</p:sld>".encode())
            new.writestr(member, data)
        new.writestr("ppt/diagrams/data1.xml", model)
    return path / "a.pptx"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_model(_TREE + _PRESENTED), ["First", "Inner", "Second"]),
        (_model(""), ["Second", "Inner", "First"]),
        (_model(_link(0, "a", "b") + _link(0, "b", "a")), ["Inner", "Second", "First"]),
        ("<d:dataModel", []),
    ],
)
def test_shapes_are_told_in_the_order_that_they_were_given(
    tmp_path: Path, model: str, said: list[str]
) -> None:
    title, *found = office.read(_with_diagram(tmp_path, model), "pptx").pieces
    assert title.text == "One"
    assert [(p.kind, p.page, p.text) for p in found] == [("list", 1, text) for text in said]

"""Comments on slides, of older and of newer programs."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from pptx import Presentation

from ingest import office

_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NEW_KINDS = "http://schemas.microsoft.com/office/2018/10/relationships"
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
_N = (
    'xmlns:n="http://schemas.microsoft.com/office/powerpoint/2018/8/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)
_OLD_AUTHORS = f'<p:cmAuthorLst {_P}><p:cmAuthor id="0" name="Ann" initials="A"/></p:cmAuthorLst>'
_OLD = (
    f'<p:cmLst {_P}><p:cm authorId="0" dt="2020-01-01T00:00:00" idx="1"><p:pos x="1" y="1"/>'
    '<p:text>Is this\n  right?</p:text></p:cm><p:cm authorId="7"><p:text>Yes.</p:text></p:cm>'
    "</p:cmLst>"
)
_NEW_AUTHORS = f'<n:authorLst {_N}><n:author id="{{1-A}}" name="Ben"/></n:authorLst>'


def _body(text: str) -> str:
    return f"<n:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></n:txBody>"


_NEW = (
    f'<n:cmLst {_N}><n:cm id="{{1}}" authorId="{{1-A}}"><n:replyLst>'
    f'<n:reply id="{{2}}" authorId="{{1-B}}">{_body("Yes.")}</n:reply></n:replyLst>'
    f"{_body('Is this right?')}</n:cm></n:cmLst>"
)


def _with_comments(path: Path, comments: str, authors: str, kinds: str, name: str) -> Path:
    shown = Presentation()
    for title in ("One", "Two"):
        shown.slides.add_slide(shown.slide_layouts[5]).shapes.title.text = title
    shown.save(str(path / "plain.pptx"))
    added = {
        "ppt/slides/_rels/slide1.xml.rels": ("comments", "../comments/comment1.xml"),
        "ppt/_rels/presentation.xml.rels": (name, f"{name}.xml"),
    }
    with ZipFile(path / "plain.pptx") as old, ZipFile(path / "a.pptx", "w") as new:
        for member in old.namelist():
            data = old.read(member).decode("latin-1")
            if member in added:
                kind, target = added[member]
                relation = f'<Relationship Id="rC" Type="{kinds}/{kind}" Target="{target}"/>'
                data = data.replace("</Relationships>", f"{relation}</Relationships>")
            new.writestr(member, data.encode("latin-1"))
        new.writestr("ppt/comments/comment1.xml", comments)
        new.writestr(f"ppt/{name}.xml", authors)
    return path / "a.pptx"


@pytest.mark.parametrize(
    ("comments", "authors", "kinds", "name"),
    [
        (_OLD, _OLD_AUTHORS, _KINDS, "commentAuthors"),
        (_NEW, _NEW_AUTHORS, _NEW_KINDS, "authors"),
    ],
)
def test_comments_are_told_as_such_at_their_slide(
    tmp_path: Path, comments: str, authors: str, kinds: str, name: str
) -> None:
    path = _with_comments(tmp_path, comments, authors, kinds, name)
    author = "Ann" if name == "commentAuthors" else "Ben"
    assert [(p.page, p.text) for p in office.read(path, "pptx").pieces] == [
        (1, "One"),
        (1, f"Comment by {author}: Is this right?"),
        (1, "Comment: Yes."),
        (2, "Two"),
    ]


def test_a_damaged_part_of_comments_does_not_cost_the_slides(tmp_path: Path) -> None:
    path = _with_comments(tmp_path, "<p:cm", "", _KINDS, "commentAuthors")
    assert [p.text for p in office.read(path, "pptx").pieces] == ["One", "Two"]

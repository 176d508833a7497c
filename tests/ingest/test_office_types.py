"""Files with macros, templates and slide shows are read as the documents that they are."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from docx import Document
from pptx import Presentation

from ingest.limits import Limits
from ingest.office_types import usual
from ingest.read import read_document
from ingest.sniff import sniff

OPEN = "openxmlformats-officedocument"
WORD = (f"{OPEN}.wordprocessingml.document", "docx")
SLIDES = (f"{OPEN}.presentationml.presentation", "pptx")


def _document(path: Path, kind: str) -> None:
    if kind == "docx":
        document = Document()
        document.add_paragraph("The pier opens at nine.")
        document.save(str(path))
    else:
        presentation = Presentation()
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = "The pier opens at nine."
        presentation.save(str(path))


def _typed(path: Path, kind: str, old: str, new: str) -> Path:
    """Write a document with another main type."""
    _document(path.with_suffix(".old"), kind)
    with (
        zipfile.ZipFile(path.with_suffix(".old")) as archive,
        zipfile.ZipFile(path, "w") as typed,
    ):
        for name in archive.namelist():
            data = archive.read(name)
            if name == "[Content_Types].xml":
                assert f"{old}.main+xml".encode() in data
                data = data.replace(f"{old}.main+xml".encode(), f"{new}.main+xml".encode())
            typed.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("usual_type", "suffix", "new"),
    [
        (WORD, "docm", "ms-word.document.macroEnabled"),
        (WORD, "dotx", f"{OPEN}.wordprocessingml.template"),
        (WORD, "dotm", "ms-word.template.macroEnabledTemplate"),
        (SLIDES, "pptm", "ms-powerpoint.presentation.macroEnabled"),
        (SLIDES, "ppsx", f"{OPEN}.presentationml.slideshow"),
        (SLIDES, "ppsm", "ms-powerpoint.slideshow.macroEnabled"),
        (SLIDES, "potx", f"{OPEN}.presentationml.template"),
        (SLIDES, "potm", "ms-powerpoint.template.macroEnabled"),
    ],
)
def test_what_is_under_another_type_is_read(
    tmp_path: Path, usual_type: tuple[str, str], suffix: str, new: str
) -> None:
    old, kind = usual_type
    path = _typed(tmp_path / f"pier.{suffix}", kind, old, new)
    before = path.read_bytes()
    assert sniff(path, path.name).kind == kind
    document = read_document(path, path.name, Limits(), "eng", lambda *_: None)
    assert document.text == "The pier opens at nine."
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["docx", "pptx", "odt"])
def test_what_is_usual_is_not_copied(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    _document(path, "docx" if kind == "odt" else kind)
    with usual(path, kind) as given:
        assert given == path


def test_a_copy_goes_afterwards(tmp_path: Path) -> None:
    path = _typed(tmp_path / "x.docm", "docx", WORD[0], "ms-word.document.macroEnabled")
    with usual(path, "docx") as given:
        shutil.copy(given, tmp_path / "kept.docx")
    assert not given.exists()
    Document(str(tmp_path / "kept.docx"))

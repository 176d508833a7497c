"""Old files of Word and PowerPoint: by LibreOffice, or refused."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from docx import Document

from ingest import libreoffice
from ingest.failures import CorruptDocument, ParseFailed, UnsupportedType
from ingest.libreoffice import convert_document
from ingest.parser import Parser
from ingest.sniff import sniff

SAMPLES = Path(__file__).parents[2] / "evals" / "data" / "formats"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in LibreOffice's place that converts nothing."""
    path = tmp_path / "bin" / "soffice"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    return path


def test_convert_document_without_libreoffice_refuses_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedType) as refused, convert_document(tmp_path / "a", "ppt"):
        pass
    assert refused.value.message == (
        "Old PowerPoint files need LibreOffice; install it or save the file as .pptx."
    )


def test_convert_document_of_a_file_that_is_not_converted_is_corrupt(
    tmp_path: Path, program: Path
) -> None:
    (tmp_path / "a.doc").write_bytes(b"x")
    with pytest.raises(CorruptDocument), convert_document(tmp_path / "a.doc", "doc"):
        pass


def test_convert_document_gives_the_converted_file_until_its_end(
    tmp_path: Path, program: Path
) -> None:
    Document().save(str(tmp_path / "new.docx"))
    (tmp_path / "a.doc").write_bytes(b"x")
    program.write_text(
        f'#!/bin/sh\nwhile [ "$1" != --outdir ]; do shift; done\n'
        f'cp "{tmp_path}/new.docx" "$2/document.docx"\n'
    )
    with convert_document(tmp_path / "a.doc", "doc") as path:
        assert path.read_bytes() == (tmp_path / "new.docx").read_bytes()
    assert not path.exists()


def test_remove_dead_sockets_leaves_those_that_somebody_listens_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as live:  # a short path
        monkeypatch.setattr(libreoffice, "SOCKETS", name)
        dead_path, live_path = Path(name) / "OSL_PIPE_1", Path(name) / "OSL_PIPE_2"
        live.bind(str(live_path))
        live.listen()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(dead_path))
        libreoffice.remove_dead_sockets()
        assert (dead_path.exists(), live_path.exists()) == (False, True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
@pytest.mark.parametrize(
    ("name", "heading", "cell"),
    [("minutes.doc", "Beschluss", "| 11 | 1 | 1 |"), ("kickoff.ppt", "Next steps", "146,000")],
)
async def test_old_files_are_read_within_the_jail(name: str, heading: str, cell: str) -> None:
    parser = Parser()
    try:
        document = await parser.parse(SAMPLES / name[-3:] / name, name)
    finally:
        await parser.close()
    assert heading in [e.text for e in document.elements if e.kind == "title"]
    assert any(cell in e.text for e in document.elements if e.kind == "table")


@pytest.mark.slow
async def test_damaged_old_files_are_refused(tmp_path: Path) -> None:
    sample = SAMPLES / "doc" / "minutes.doc"
    (tmp_path / "a.doc").write_bytes(sample.read_bytes()[:6000])
    assert sniff(sample, "x").kind == "doc"
    parser = Parser()
    try:
        with pytest.raises(ParseFailed):
            await parser.parse(tmp_path / "a.doc", "a.doc")
    finally:
        await parser.close()

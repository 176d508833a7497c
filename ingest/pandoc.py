"""Formats that pandoc converts, without access to other files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def to_html(path: Path, kind: str) -> str:
    """Return the document as HTML. Raises ``RuntimeError``, and ``MemoryError``."""
    import pypandoc

    with _memory_errors():
        return str(pypandoc.convert_file(str(path), "html", format=kind, sandbox=True))


def text_to_html(text: str, kind: str) -> str:
    """Return a text as HTML. Raises as :func:`to_html` does."""
    import pypandoc

    with _memory_errors():
        return str(pypandoc.convert_text(text, "html", format=kind, sandbox=True))


@contextmanager
def as_docx(path: Path, kind: str) -> Iterator[Path]:
    """Give a document as one of Word, that goes afterwards. Raises as :func:`to_html` does."""
    import pypandoc

    with tempfile.NamedTemporaryFile(suffix=".docx") as copy:
        with _memory_errors():
            pypandoc.convert_file(
                str(path), "docx", format=kind, outputfile=copy.name, sandbox=True
            )
        yield Path(copy.name)


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "out of memory" in str(error):  # what pandoc says of itself
            raise MemoryError from error
        raise

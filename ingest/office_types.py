"""Office files with macros, templates and slide shows: inside they are as documents and
presentations are, under another type (ECMA-376-1, 11.3.10 and 13.3.6), which the libraries refuse.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ingest.repacked import with_part

_OPEN: Final = "application/vnd.openxmlformats-officedocument"
_USUAL: Final = {
    "docx": f"{_OPEN}.wordprocessingml.document.main+xml".encode(),
    "pptx": f"{_OPEN}.presentationml.presentation.main+xml".encode(),
}
_OTHERS: Final = re.compile(
    rb"application/vnd\.(?:ms-word|ms-powerpoint|openxmlformats-officedocument\.\w+)"
    rb"\.(?:document|presentation|template|slideshow)(?:\.macroEnabled\w*)?\.main\+xml",
    re.IGNORECASE,
)
_TYPES: Final = "[Content_Types].xml"


@contextmanager
def usual(path: Path, kind: str) -> Iterator[Path]:
    """Give the file itself or, where its type is another than the usual one of its ``kind``, a copy
    that has that. Raises ``zipfile.BadZipFile`` for a damaged one."""
    wanted = _USUAL.get(kind)
    if wanted is None:
        yield path
        return
    with zipfile.ZipFile(path) as archive:
        types = archive.read(_TYPES)
        changed = _OTHERS.sub(wanted, types)
        if changed == types:
            yield path
            return
        with with_part(archive, _TYPES, changed, kind) as copy:
            yield copy

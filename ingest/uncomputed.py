"""Formulas of a workbook that no program has computed: they have no value that could be read.

Libraries that write workbooks compute nothing; a spreadsheet program does when it opens them.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

# An empty text is a value, too: a cell for it has the type "str" (ECMA-376, 18.18.11).
_UNCOMPUTED: Final = re.compile(
    rb'<c\b(?![^>]*\bt="str")[^>]*>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)


def told(path: Path) -> str | None:
    """Return what the owner is to know, ``None`` where each formula has its value."""
    with zipfile.ZipFile(path) as archive:
        count = sum(
            len(_UNCOMPUTED.findall(_read(archive, name)))
            for name in archive.namelist()
            if name.startswith("xl/worksheets/")
        )
    if not count:
        return None
    formulas = "A formula has" if count == 1 else f"{count:,} formulas have"
    return (
        f"{formulas} no value, since no program has computed the workbook: open it in a "
        "spreadsheet program, save it and upload the new file."
    )


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return b""  # a damaged part is for its reader to tell

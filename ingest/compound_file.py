"""Files of Office before 2007 are file systems of their own: streams by name ([MS-CFB])."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.failures import CorruptDocument


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open one by olefile; raises ``CorruptDocument`` for one whose directory is damaged."""
    import olefile

    try:
        file = olefile.OleFileIO(path)
    # What the library meets: a false size of its sectors is more than there is memory.
    except (OSError, ValueError, IndexError, MemoryError) as error:
        raise CorruptDocument(
            "The document is damaged and cannot be opened: save it again and upload the new file."
        ) from error
    with file:
        yield file

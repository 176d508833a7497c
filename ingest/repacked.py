"""A copy of an archive in which one part says something else, for libraries that need it so."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def with_part(archive: zipfile.ZipFile, part: str, data: bytes, kind: str) -> Iterator[Path]:
    """Give a copy, named as one of a ``kind``, that goes afterwards.

    Raises ``zipfile.BadZipFile`` for a damaged archive.
    """
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as copy:
        with zipfile.ZipFile(copy, "w") as other:
            for name in archive.namelist():
                other.writestr(name, data if name == part else archive.read(name))
        copy.flush()
        yield Path(copy.name)

"""What a document's name says of what is in it."""

from __future__ import annotations

import re
from typing import Final

_EXTENSION: Final = re.compile(r"(?<=\S)\.[A-Za-z][A-Za-z0-9]{1,4}$")
# Names that a program gave: without any letter, or the hexadecimal digits of an id or a hash.
_MACHINE_NAME: Final = re.compile(r"[\W\d_]*|(?:\w{1,6}_)?(?=\D*\d)(?:[0-9a-f]-?){16,}")


def without_extension(name: str) -> str:
    """Return a document's name without the end that tells its format."""
    return _EXTENSION.sub("", name)


def title_of(name: str) -> str:
    """Return a document's name as a title, "" for one that tells nothing ("84211.pdf", a hash)."""
    title = without_extension(name)
    return "" if _MACHINE_NAME.fullmatch(title.lower()) else title

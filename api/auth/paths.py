"""Where a browser may be sent after signing in: to our own pages, and nowhere else."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

from core.errors import ValidationFailed

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # browsers drop some of them from a URL
_MOST_LAYERS: Final = 5


def own_path(given: str) -> str:
    """Return a path of this origin, fit for a header; raises ``ValidationFailed`` for all else.

    It must be one however often whoever reads it next takes percent signs away.
    """
    layer = given
    for _ in range(_MOST_LAYERS):
        if not _is_own(layer):
            break
        further = unquote(layer)
        if further == layer:
            return quote(given, safe="/%:?#[]@!$&'()*+,;=~-._")
        layer = further
    said = "next must be a path that begins with one /."
    raise ValidationFailed.at("next", "must be a path of this site", "foreign_path", sentence=said)


def _is_own(path: str) -> bool:
    before_query = re.split(r"[?#]", path, maxsplit=1)[0]
    is_odd = "//" in before_query or "\\" in path or _CONTROL.search(path)
    return path.startswith("/") and not is_odd

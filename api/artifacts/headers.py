"""How artifacts are served: as content that can do nothing."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from pipelines.artifacts import KINDS

# A sandbox of its own origin without scripts, forms or popups; nothing is loaded from anywhere.
POLICY: Final = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
MEDIA_TYPES: Final = [kind.content_type.partition(";")[0] for kind in KINDS.values()]


def disposition(title: str, kind: str) -> str:
    """Return ``Content-Disposition`` with a file's name made of the title."""
    name = re.sub(r"[\x00-\x1f\x7f/\\\"]", "_", title) + KINDS[kind].suffix
    plain = name.encode("ascii", "replace").decode()
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

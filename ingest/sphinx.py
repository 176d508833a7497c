"""Signatures in reStructuredText as Sphinx has it: pandoc knows no such directives, and drops what
they describe (https://www.sphinx-doc.org/en/master/usage/domains).
"""

from __future__ import annotations

import re
from typing import Final

_SIGNATURE: Final = re.compile(
    r"^([ \t]*)\.\. (?:[a-z]+:)?"
    r"(?:function|class|method|classmethod|staticmethod|attribute|property|data|exception|module|"
    r"decorator|type|macro|struct|enum|enumerator|member|var|option|envvar|confval|directive|role|"
    r"object|describe)::[ \t]+(\S.*)$",
    re.MULTILINE,
)


def written_out(text: str) -> str:
    """Return the text with each signature as a paragraph of code above what is said of it."""
    return _SIGNATURE.sub(_as_code, text)


def _as_code(found: re.Match[str]) -> str:
    signature = found[2].rstrip("\\")
    return f"{found[1]}``{signature}``\n"

"""Mailboxes in one file, as Thunderbird and Gmail's export have them (RFC 4155)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

# A line that begins with "From ", after an empty one and before a field of a header: a body has
# such a line, too, if its program did not write it as ">From ".
_BEGIN: Final = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\r?\n(?=[!-9;-~]+:)")
_ESCAPED: Final = re.compile(rb"^>(?=>*From )", re.MULTILINE)


def messages(data: bytes) -> list[bytes]:
    """Return the mails of a mailbox in their order."""
    places = [found.span() for found in _BEGIN.finditer(data)] + [(len(data), len(data))]
    mails = (data[begin:end] for (_, begin), (end, _) in pairwise(places))
    return [_ESCAPED.sub(b"", mail) for mail in mails]

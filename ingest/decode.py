"""Bytes of a text file to text, in whatever encoding it was written."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = frozenset(  # what people write in cp1252, beside ASCII
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽžŸ"
    "€…†‡‰‹›‘’“”„•–—™\xa0¡¢£¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¹º»¼½¾¿×÷"
)
# Cyrillic or Greek has runs of such letters, Polish and Czech have these within words; Hungarian
# has õ where Portuguese has it before an e only (Estonian has ä as well), Croatian both the last.
_OTHER_LETTERS = re.compile(r"[À-ÿ]{3}|(?<=[^\W\d_])[¹³¿º£¥](?=[^\W\d_])|ì(?=[a-z])")
_TILDED = re.compile("õ(?!e)")
_CARONS, _GRAVES = frozenset("šžŠŽ"), frozenset("èæÈÆ")
_SAMPLE = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROL = 0.05  # share of control characters that text may hold


def decode(data: bytes) -> str:
    """Return the text of ``data``: by its byte order mark, UTF-8, or what fits its bytes best.

    Characters that cannot be read become U+FFFD; line ends become ``\\n``.
    """
    return data.decode(_encoding(data), "replace").replace("\r\n", "\n").replace("\r", "\n")


def looks_like_text(data: bytes) -> bool:
    """Whether ``data`` is text in some encoding: hardly any control characters."""
    sample = data[:_SAMPLE]
    text = sample.decode(_encoding(sample), "replace")
    return len(_CONTROL.findall(text)) <= len(text) * _MOST_CONTROL


def _encoding(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    wide = _wide_encoding(data[:_SAMPLE])
    if wide is not None:
        return wide
    if _is_utf8(data):
        return "utf-8"
    return _guess(data[: _SAMPLE * 16])


def _wide_encoding(sample: bytes) -> str | None:
    """Return the UTF-16 without a mark that the places of zero bytes give away."""
    pairs = len(sample) // 2
    if pairs == 0:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > pairs * 0.4 and even < pairs * 0.05:
        return "utf-16-le"
    if even > pairs * 0.4 and odd < pairs * 0.05:
        return "utf-16-be"
    return None


def _is_utf8(data: bytes) -> bool:
    """Whether ``data`` is UTF-8; it may break off within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _guess(sample: bytes) -> str:
    """Return cp1252, the most common by far, where that makes sense: few letters beyond ASCII tell
    a guesser of all encodings too little, and it takes "São Paulo" for "Săo Paulo"."""
    from charset_normalizer import from_bytes

    if _is_western(sample):
        return "cp1252"
    best = from_bytes(sample).best()
    return best.encoding if best is not None else "cp1252"


def _is_western(sample: bytes) -> bool:
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    beyond = {c for c in text if not c.isascii()}
    is_croatian = bool(beyond & _CARONS and beyond & _GRAVES)
    is_hungarian = "ä" not in beyond and _TILDED.search(text) is not None
    is_other = is_croatian or is_hungarian or _OTHER_LETTERS.search(text) is not None
    return beyond <= _WESTERN and not is_other

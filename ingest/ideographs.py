"""Chinese and Japanese that is set, or was recognised, with a blank after each character."""

from __future__ import annotations

import re
from typing import Final

# Their signs: punctuation, kana, ideographs, and punctuation of full width. Korean is none of
# these: it parts its words by blanks.
_SIGN: Final = (
    "[\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]"
)
_BESIDE_ONE: Final = re.compile(
    rf"(?<={_SIGN}) (?={_SIGN}(?!{_SIGN}))|(?<=(?<!{_SIGN}){_SIGN}) (?={_SIGN})"
)


def closed(line: str) -> str:
    """Return a line without the blanks between two signs of which one stands alone: in 機 械 学 会
    no word would be found, while 北京 上海 are two."""
    return _BESIDE_ONE.sub("", line)

"""What a cell of a table in HTML says, as a page shows it: words whole, lines and blocks apart."""

from __future__ import annotations

from typing import Any, Final

from ingest.formulas import is_power

INLINE: Final = frozenset(
    "a abbr b bdi bdo big cite code data dfn em font i ins kbd label mark math q s samp small span "
    "strike strong sub sup time tt u var wbr".split()
)


def words(cell: Any) -> str:
    """Return the cell's text on one line; of one that only shows pictures, what stands for them."""
    parts: list[str] = []
    _add(cell, parts)
    pictures = cell.iter("img")
    return _even("".join(parts)) or _even(" ".join(p.get("alt", "") for p in pictures))


def part_raised(root: Any) -> None:
    """Have 10 to the 5th not be 105, and the mark of a note, which is a link, no part of a word."""
    for raised in root.iter("sup"):
        link = raised.getparent() if raised.getparent().tag == "a" else None
        last = _before(raised if link is None else link)[-1:]
        if not is_power("".join(raised.itertext(with_tail=False))):
            continue
        if link is not None or raised.find(".//a") is not None:
            raised.text = f"{' ' * last.isalnum()}{raised.text or ''}"
        elif last.isdigit():
            raised.text = f"^{(raised.text or '').lstrip()}"


def _add(element: Any, parts: list[str]) -> None:
    parts.append(element.text or "")
    for child in element:
        gap = "" if child.tag in INLINE else " "
        parts.append(gap)
        _add(child, parts)
        parts.append(f"{gap}{child.tail or ''}")


def _before(element: Any) -> str:
    """Return the text that runs up to an element within its parent."""
    sibling = element.getprevious()
    if sibling is None:
        return element.getparent().text or ""
    return sibling.tail or "".join(sibling.itertext(with_tail=False))


def _even(text: str) -> str:
    return " ".join(text.split())

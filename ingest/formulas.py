"""Formulas on a line, ``(a+b)/2``, ``x^2``, ``y_i``: of MathML and of Office's mark-up."""

from __future__ import annotations

import re
from typing import Any, Final

_INVISIBLE: Final = re.compile("[\u2061-\u2064]")
_BRACKETS: Final = frozenset("()[]{}|,.;'′")
_BETWEEN: Final = {"mfrac": "/", "msup": "^", "msub": "_", "munder": "_", "mover": "^"}
_ONE: Final = re.compile(r"[^\s()+\-−*/=<>≤≥×·,]*|\([^()]*\)")  # needs no brackets
_POWER: Final = re.compile(r"[-−–+]?\d+")
_OFFICE: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
# Parts of Office's formulas (ECMA-376, part 1, 22.1) with what stands between or before them.
_PARTS: Final = {
    "f": ("", "num", "/den"),
    "sSup": ("", "e", "^sup"),
    "sSub": ("", "e", "_sub"),
    "sSubSup": ("", "e", "_sub", "^sup"),
    "limLow": ("", "e", "_lim"),
    "limUpp": ("", "e", "^lim"),
    "rad": ("deg", "√e"),
}


def is_power(text: str) -> bool:
    """Whether a raised text behind a number can be a power of it."""
    return _POWER.fullmatch(text.strip()) is not None


def of_mathml(element: Any) -> str:
    """Return what an element of MathML says; tags are local names."""
    inner = [of_mathml(child) for child in element.iterchildren("*")]
    if not inner:
        text = _INVISIBLE.sub("", "".join(element.itertext(with_tail=False)).strip())
        is_operator = element.tag == "mo" and text not in _BRACKETS
        return f" {text} " if is_operator else text
    if element.tag in ("msubsup", "munderover") and len(inner) == 3:
        return f"{inner[0]}_{_grouped(inner[1])}^{_grouped(inner[2])}"
    if element.tag in _BETWEEN:
        return _BETWEEN[element.tag].join(map(_grouped, inner))
    if element.tag == "mroot" and len(inner) == 2:
        return f"{_grouped(inner[1])}√{_grouped(inner[0])}"
    if element.tag == "msqrt":
        return f"√({' '.join(inner)})"
    return (" " if element.tag in ("mtable", "mtr") else "").join(inner)


def of_office(element: Any) -> str:
    """Return what an element of Office's mathematics says."""
    name = str(element.tag).removeprefix(_OFFICE)
    if name == "t":
        return element.text or ""
    if name == "f" and _set(element, "type", "bar") == "noBar":  # one above the other
        return f"{_part(element, 'num')}; {_part(element, 'den')}"
    if name in _PARTS:
        return "".join(_part(element, part) for part in _PARTS[name])
    if name == "nary":
        sign = _set(element, "chr", "∫")
        return f"{sign}{_part(element, '_sub')}{_part(element, '^sup')} {_part(element, 'e', '')}"
    inner = [of_office(child) for child in element if not str(child.tag).endswith("Pr")]
    if name == "d":
        between = _set(element, "sepChr", "|").join(inner)
        return f"{_set(element, 'begChr', '(')}{between}{_set(element, 'endChr', ')')}"
    return ("; " if name in ("m", "eqArr") else " " if name in ("mr", "func") else "").join(inner)


def _part(element: Any, part: str, group: str = "()") -> str:
    """Return a part by its name, behind the sign that the name begins with; nothing is said of one
    that is empty."""
    name = part.lstrip("/^_√")
    found = element.find(f"{_OFFICE}{name}") if name else None
    text = of_office(found) if found is not None else ""
    sign = part[: len(part) - len(name)]
    return f"{sign}{_grouped(text) if group else text}" if text or not name else ""


def _set(element: Any, name: str, usual: str) -> str:
    found = element.find(f"*/{_OFFICE}{name}")
    return usual if found is None else str(found.get(f"{_OFFICE}val", ""))


def _grouped(formula: str) -> str:
    flat = " ".join(formula.split())
    return flat if _ONE.fullmatch(flat) else f"({flat})"


def write_out(body: Any, namespace: str) -> None:
    """Put the text of each formula before it, as a run of its paragraph; paragraphs, runs and texts
    are called p, r and t in the namespace."""
    for formula in list(body.iter(f"{_OFFICE}oMath")):
        place = formula
        while place is not None and place.getparent() is not None:
            if place.getparent().tag == f"{namespace}p":
                run = place.makeelement(f"{namespace}r")
                text = run.makeelement(f"{namespace}t")
                text.text = " ".join(of_office(formula).split())
                run.append(text)
                place.addprevious(run)
                break
            place = place.getparent()

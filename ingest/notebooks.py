"""Notebooks of Jupyter (ipynb) as Markdown: https://nbformat.readthedocs.io, version 4."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FENCE: Final = re.compile(r"^`{3,}", re.MULTILINE)
_OBJECT: Final = re.compile(r"\[?<.*>\]?", re.DOTALL)  # that has no other name: <Figure …>
_PICTURES: Final = ("image/png", "image/jpeg")


def as_markdown(text: str) -> str | None:
    """Return a notebook's texts, code and what that gave, in their order; ``None`` where the text
    is no such notebook, or has no cells."""
    try:
        notebook = json.loads(text)
        cells, told = notebook["cells"], notebook.get("metadata", {})
        language = str(told.get("language_info", {}).get("name", ""))
        parts = [part for cell in cells for part in _cell(cell, language)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return "\n\n".join(part for part in parts if part.strip()) or None


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = _joined(cell.get("source", ""))
    if cell["cell_type"] == "code":
        yield _fenced(source, language)
        for output in cell.get("outputs", ()):
            yield from _output(output)
        return
    for name, kinds in cell.get("attachments", {}).items():
        for address in map(_picture, kinds, kinds.values()):
            source = source.replace(
                f"attachment:{name}", address, 1
            )  # shown twice, it is read once
    yield source


def _output(output: dict[str, Any]) -> Iterator[str]:
    """Yield what is shown of an output: of several forms the one that keeps most of it."""
    if output["output_type"] == "stream":
        yield _fenced(_joined(output.get("text", "")))
    elif output["output_type"] == "error":
        yield _fenced(f"{output.get('ename', '')}: {output.get('evalue', '')}")
    data = output.get("data", {})
    picture = next((kind for kind in _PICTURES if kind in data), None)
    if "text/markdown" in data:
        yield _joined(data["text/markdown"])
    elif "<table" in (html := _joined(data.get("text/html", ""))):
        yield re.sub(r"\n\s*\n", "\n", html)  # a blank line would end it
    else:
        if picture:
            yield f"![]({_picture(picture, data[picture])})"
        plain = _joined(data.get("text/plain", "")).strip()
        yield "" if _OBJECT.fullmatch(plain) else _fenced(plain)


def _joined(text: str | list[str]) -> str:
    return _ANSI.sub("", "".join(text))


def _picture(kind: str, data: str | list[str]) -> str:
    """Return the address of a picture that lies in it."""
    return f"data:{kind};base64,{''.join(''.join(data).split())}"


def _fenced(text: str, language: str = "") -> str:
    """Return a block of code between fences that are longer than those in it."""
    fence = "`" * max(3, 1 + max((len(found) for found in _FENCE.findall(text)), default=2))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}" if text.strip() else ""

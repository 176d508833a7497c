"""Notebooks of Jupyter."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument
from ingest.limits import Limits
from ingest.notebooks import as_markdown
from ingest.read import read_document
from ingest.sniff import sniff

ROWS = "<tr><th>Port</th><th>Tide</th></tr><tr><td>Brest</td><td>7</td></tr>"
TABLE = f"<div>\n<style>td {{color: red}}</style>\n\n<table>{ROWS}</table></div>"


def _notebook(*cells: dict[str, Any]) -> str:
    told = {"language_info": {"name": "python"}}
    return json.dumps({"nbformat": 4, "metadata": told, "cells": cells})


def _code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": outputs}


def _shown(**data: str | list[str]) -> dict[str, Any]:
    forms = {name.replace("_", "/"): value for name, value in data.items()}
    return {"output_type": "execute_result", "data": forms}


def _png() -> str:
    image = Image.new("RGB", (600, 120), "white")
    font = ImageFont.load_default(48)
    ImageDraw.Draw(image).text((20, 30), "Harbour office", "black", font)
    image.save(data := io.BytesIO(), "PNG")
    return base64.encodebytes(data.getvalue()).decode()


def _read(tmp_path: Path, text: str) -> ParsedDocument:
    path = tmp_path / "tides.ipynb"
    path.write_text(text)
    return read_document(path, path.name, Limits(), "eng", lambda *_: None)


def test_texts_code_and_what_it_gave_are_read_in_their_order(tmp_path: Path) -> None:
    document = _read(
        tmp_path,
        _notebook(
            {"cell_type": "markdown", "source": ["# Tides\n", "\n", "In *Brest*."]},
            _code("height = 7\nprint(height)", {"output_type": "stream", "text": ["7\n"]}),
            _code("ports", _shown(text_html=TABLE, text_plain="Port")),
            _code("1/0", {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "no"}),
            {"cell_type": "raw", "source": "As it is."},
        ),
    )
    assert [(e.kind, e.text) for e in document.elements] == [
        ("title", "Tides"),
        ("text", "In Brest."),
        ("code", "height = 7\nprint(height)"),
        ("code", "7"),
        ("code", "ports"),
        ("table", "| Port | Tide |\n| --- | --- |\n| Brest | 7 |"),
        ("code", "1/0"),
        ("code", "ZeroDivisionError: no"),
        ("text", "As it is."),
    ]
    assert document.elements[3].heading_path == ("Tides",)


def test_pictures_are_recognised_and_never_read_as_letters(tmp_path: Path) -> None:
    attached = {
        "cell_type": "markdown",
        "source": "![](attachment:a.png)",
        "attachments": {"a.png": {"image/png": _png()}},
    }
    shown = _shown(image_png=_png(), text_plain=["<Figure size 2x1 ", "with 1 Axes>"])
    document = _read(tmp_path, _notebook(_code("plot()", shown)))
    assert document.text == "plot()\n\nHarbour office"
    assert _read(tmp_path, _notebook(attached)).text == "Harbour office"


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (
            _shown(text_plain="2*x", image_png="AAAA"),
            "![](data:image/png;base64,AAAA)\n\n```\n2*x\n```",
        ),
        (_shown(text_plain="<IPython.core.display.HTML object>"), ""),
        (_shown(text_plain="[<Line2D at 0x7f>]"), ""),
        (_shown(text_plain="x", text_markdown=["**x", "**"]), "**x**"),
        ({"output_type": "stream", "text": "\x1b[31mred\x1b[0m"}, "```\nred\n```"),
        (_shown(text_plain="```\ninner\n```"), "````\n```\ninner\n```\n````"),
    ],
)
def test_an_output_is_told_by_what_keeps_most_of_it(shown: dict[str, Any], said: str) -> None:
    assert as_markdown(_notebook(_code("f()", shown))) == "\n\n".join(
        filter(None, ["```python\nf()\n```", said])
    )


@pytest.mark.parametrize("text", ['{"cells": 3}', "[1]", '{"cells": [[]]}', "{", '{"cells": []}'])
def test_what_is_no_notebook_is_left_to_others(text: str) -> None:
    assert as_markdown(text) is None


def test_json_under_a_notebooks_name_is_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text('{"port": "Brest"}')
    assert sniff(path, path.name).kind == "ipynb"
    assert _read(tmp_path, '{"port": "Brest"}').text == "port: Brest"

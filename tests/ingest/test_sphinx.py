"""Signatures in reStructuredText."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import office
from ingest.sphinx import written_out


@pytest.mark.parametrize(
    "directive", ["py:function", "function", "c:macro", "py:class", "envvar", "js:data"]
)
def test_a_signature_stands_above_what_is_said_of_it(tmp_path: Path, directive: str) -> None:
    path = tmp_path / "page.rst"
    path.write_text(f"Tides\n=====\n\n.. {directive}:: high(port, day=1)\n\n   When it is high.\n")
    texts = [piece.text for piece in office.read(path, "rst").pieces]
    assert texts == ["Tides", "high(port, day=1)", "When it is high."]


def test_a_signature_within_another_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "page.rst"
    path.write_text(".. class:: Tide\n\n   .. method:: high()\n      :async:\n\n      At noon.\n")
    texts = [piece.text for piece in office.read(path, "rst").pieces]
    assert texts[:2] == ["Tide", "high()"]
    assert texts[-1].endswith("At noon.")


def test_other_directives_are_left_alone() -> None:
    text = ".. note:: Mind the step.\n\n.. image:: pier.png\n"
    assert written_out(text) == text

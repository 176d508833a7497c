"""The README says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from core.config import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_table_with_its_default_and_meaning() -> None:
    table = dict(re.findall(r"^\| `(NUXA_\w+)` \| (.*) \|$", README, re.MULTILINE))
    expected = {}
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        expected[f"NUXA_{name.upper()}"] = f"{default} | {field.description}"
    assert table == expected


def test_every_command_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", README)) | set(
        re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)
    )
    assert named
    assert named <= targets


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:api|docs|evals|tests)/[\w/.-]+)`", README):
        assert (ROOT / path).exists(), path

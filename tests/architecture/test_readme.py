"""README and settings page agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

from api.settings_page import render_settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
MAX_README_WORDS = 900


def test_settings_page_of_declared_settings_is_current() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == render_settings(), "run: make settings-page"


def test_readme_length_is_within_limit() -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert len(words) <= MAX_README_WORDS


def test_make_commands_of_all_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))
    assert commands
    assert commands <= targets


def test_files_named_in_all_pages_exist() -> None:
    for path in re.findall(r"`((?:api|docs|evals|tests|core|clients)/[\w/.-]+)`", TEXT):
        assert (ROOT / path).exists(), path


def test_links_between_pages_lead_to_files() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

"""Markdown reference of the settings, generated from their declaration."""

from __future__ import annotations

from core.config import Settings

_INTRODUCTION = """\
# Settings

Every setting is an environment variable, or a line of a `.env` file in the working directory.
`python -m api settings` prints this page.

| setting | default | meaning |
| --- | --- | --- |
"""


def render_settings() -> str:
    """Render one table row for each setting, in the order of declaration."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `NUXA_{name.upper()}` | {default} | {field.description} |\n")
    return _INTRODUCTION + "".join(rows)

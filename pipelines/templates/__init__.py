"""Workflows to begin with: one JSON file each, in the form that we export; all run offline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Template:
    """``workflow`` is what ``POST /api/workflows/import`` takes; ``sample_input`` runs it."""

    id: str
    name: str
    category: str
    description: str
    sample_input: dict[str, Any]
    workflow: dict[str, Any]


@lru_cache
def all_templates() -> tuple[Template, ...]:
    """Return every template, by category and name."""
    found = [
        json.loads(file.read_text(encoding="utf-8"))
        for file in files(__package__).iterdir()
        if file.name.endswith(".json")
    ]
    read = [
        Template(
            id=each["id"],
            name=each["name"],
            category=each["category"],
            description=each["description"],
            sample_input=each["sampleInput"],
            workflow=each["workflow"],
        )
        for each in found
    ]
    return tuple(sorted(read, key=lambda template: (template.category, template.name)))

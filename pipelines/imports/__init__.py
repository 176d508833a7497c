"""Workflows of other makers' files, recognised by what is in them: ours, Sim's, Dify's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.events import AliasEvent, Event

from core.errors import PayloadTooLarge, ValidationFailed
from pipelines.imports import dify, sim
from pipelines.imports.draft import Draft
from pipelines.imports.mend import mended
from pipelines.workflow import Definition, parse

MOST_BYTES: Final = 2_000_000  # PyYAML reads some 200 kB a second
_PARTS: Final = ("blocks", "edges", "loops", "parallels", "variables")


@dataclass(frozen=True)
class Imported:
    """``warnings`` names all that has no counterpart here, and what is left to be done."""

    name: str
    description: str | None
    definition: Definition
    warnings: list[str]


def read(content: str, model: str | None = None) -> Imported:
    """Read a file of any of the three formats; ``model`` stands in for each model it names.

    Slow for large files: call it in a thread. Raises ``ValidationFailed`` for what is none of them,
    and ``PayloadTooLarge``.
    """
    if len(content) > MOST_BYTES:
        raise PayloadTooLarge(f"A workflow's file has at most {MOST_BYTES} characters.")
    return read_value(_parsed(content), model)


def read_value(given: object, model: str | None = None) -> Imported:
    """Read what a file holds, as it comes out of JSON or YAML."""
    if not isinstance(given, Mapping):
        raise ValidationFailed("The file holds no workflow: it is no object.")
    state = given.get("state", given)
    if isinstance(workflow := given.get("workflow"), Mapping) and "graph" in workflow:
        draft = Draft("dify", model)
        with _of_the_right_shape("Dify"):
            dify.convert(given, draft)
        about = given.get("app")
    elif given.get("format") == "nuxa" and isinstance(given.get("blocks"), Mapping):
        return _of_ours(given)
    elif isinstance(state, Mapping) and isinstance(state.get("blocks"), Mapping):
        draft = Draft("sim", model)
        with _of_the_right_shape("Sim"):
            sim.convert(state, draft)
        about = state.get("metadata", given.get("workflow"))
    else:
        raise ValidationFailed(
            "This is no workflow we can read: send our own export, Sim's export (JSON with state."
            "blocks), or Dify's DSL of a workflow or chatflow (YAML with workflow.graph)."
        )
    told = about if isinstance(about, Mapping) else {}
    return _named(told, mended(draft), draft.warnings)


@contextmanager
def _of_the_right_shape(maker: str) -> Iterator[None]:
    """Refuse what looks like another maker's file and is not built like one."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValidationFailed(
            f"The file looks like {maker}'s but is not built like it ({type(error).__name__}: "
            f"{str(error)[:200]}); export it anew."
        ) from error


def _of_ours(given: Mapping[str, Any]) -> Imported:
    parts = {part: given[part] for part in _PARTS if part in given}
    return _named(given, parse(parts), [])


def _named(about: Mapping[str, Any], definition: Definition, warnings: list[str]) -> Imported:
    name = str(about.get("name") or "").strip()[:200] or "Imported workflow"
    description = str(about.get("description") or "").strip()[:5000] or None
    return Imported(name, description, definition, warnings)


class _Loader(yaml.SafeLoader):
    """Plain values only, and no aliases: a few lines of those can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent):
            raise ValidationFailed("The file uses YAML aliases; write what they stand for instead.")
        return super().compose_node(parent, index)


def _parsed(content: str) -> object:
    try:
        if content.lstrip()[:1] == "{":
            return json.loads(content)
        return yaml.load(content, _Loader)  # noqa: S506 - a SafeLoader
    except RecursionError as error:
        raise ValidationFailed("The file is nested too deep.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise ValidationFailed("The file is neither valid JSON nor valid YAML.") from error

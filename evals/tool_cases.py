"""Reads cases of tool choice: BFCL's categories, and the gold calls of tau2-bench."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue

from core.models.messages import Message, ToolSpec
from evals.cases import BadData

BFCL: Final = ("simple", "multiple", "irrelevance")
_FILES: Final = {"simple": ("simple", "simple_python")}
_TYPES: Final = {"dict": "object", "float": "number", "tuple": "array", "list": "array"}
_JSON_TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean"})


@dataclass(frozen=True)
class ToolCase:
    """A question and tools; ``gold`` is the right call, None where none is right.

    ``gold`` maps each argument to the values that are right; ``""`` among them: may be left out.
    """

    id: str
    category: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    gold: tuple[str, Mapping[str, Sequence[Any]]] | None


def load(folder: Path, limit: int | None, seed: int) -> list[ToolCase]:
    """Return cases of every category that a folder has, at most ``limit`` of each, drawn by seed.

    BFCL: ``<category>.jsonl[.gz]`` with ``answers/``. tau2: ``<domain>/tasks.json`` below the
    folder, or beside it in ``tau2_bench``. Raises ``BadData`` where there is none.
    """
    cases = []
    bfcl = folder / "bfcl_v4" if (folder / "bfcl_v4").is_dir() else folder
    for category in BFCL:
        cases += _drawn(list(_bfcl(bfcl, category)), limit, seed)
    for tasks in sorted(folder.glob("**/tasks.json")):
        cases += _drawn(list(_tau2(tasks)), limit, seed)
    if not cases:
        raise BadData(f"{folder} has neither {', '.join(BFCL)}.jsonl nor a tasks.json.")
    random.Random(seed).shuffle(cases)  # noqa: S311 - no secret; a run cut short has of each
    return cases


def _drawn(cases: list[ToolCase], limit: int | None, seed: int) -> list[ToolCase]:
    if limit is None or limit >= len(cases):
        return cases
    return random.Random(seed).sample(cases, limit)  # noqa: S311 - no secret


def _bfcl(folder: Path, category: str) -> Iterator[ToolCase]:
    for stem in _FILES.get(category, (category,)):
        rows = _rows(folder, stem)
        answers = {row["id"]: row["ground_truth"] for row in _rows(folder / "answers", stem)}
        for row in rows:
            truth = answers.get(row["id"])
            (gold,) = truth[0].items() if truth else (None,)
            yield ToolCase(
                row["id"],
                category,
                row["question"][0],
                [_tool(function) for function in row["function"]],
                (plain_name(gold[0]), gold[1]) if gold else None,
            )


def _rows(folder: Path, stem: str) -> list[dict[str, Any]]:
    for name, opener in ((f"{stem}.jsonl", open), (f"{stem}.jsonl.gz", gzip.open)):
        if (folder / name).is_file():
            with opener(folder / name, "rt", encoding="utf-8") as lines:
                return [json.loads(line) for line in lines if line.strip()]
    return []


def plain_name(name: str) -> str:
    """Return a function's name as every model's API takes it."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)


def _tool(function: Mapping[str, Any]) -> ToolSpec:
    parameters = _schema(function["parameters"])
    assert isinstance(parameters, dict)
    return ToolSpec(plain_name(function["name"]), function["description"], parameters)


def _schema(value: Any) -> JsonValue:
    """Return a JSON Schema for one in BFCL's words, which are Python's."""
    if isinstance(value, list):
        return [_schema(each) for each in value]
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    found: dict[str, JsonValue] = {}
    for key, each in value.items():
        if key == "type" and isinstance(each, str):
            kind = _TYPES.get(each, each)
            found |= {"type": kind} if kind in _JSON_TYPES else {}
        elif key == "properties":
            found[key] = {name: _schema(member) for name, member in each.items()}
        elif key not in {"optional", "default"}:
            found[key] = _schema(each)
    return found


def _tau2(tasks: Path) -> Iterator[ToolCase]:
    """Yield the first gold call of each task; tools are those that any task's gold calls name.

    The user speaks to an agent there, over many turns; here the whole scenario is told at once, and
    only the tool's name is judged.
    """
    rows = json.loads(tasks.read_text(encoding="utf-8"))
    gold = {str(row["id"]): _actions(row) for row in rows}
    names: dict[str, dict[str, Any]] = {}
    for action in (each for actions in gold.values() for each in actions):
        names.setdefault(action["name"], {}).update(action.get("arguments") or {})
    tools = [ToolSpec(name, name.replace("_", " "), _guessed(a)) for name, a in names.items()]
    for row in rows:
        told = _scenario(row)
        if gold[str(row["id"])] and told:
            messages: list[Message] = [{"role": "user", "content": told}]
            first = gold[str(row["id"])][0]["name"]
            category = f"tau2 {tasks.parent.name}"
            yield ToolCase(str(row["id"]), category, messages, tools, (first, {}))


def _actions(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((row.get("evaluation_criteria") or {}).get("actions") or [])


def _scenario(row: Mapping[str, Any]) -> str:
    told = (row.get("user_scenario") or {}).get("instructions") or ""
    if isinstance(told, dict):
        wanted = ("reason_for_call", "known_info", "task_instructions")
        told = "\n".join(str(told[name]) for name in wanted if told.get(name))
    return str(told)


def _guessed(arguments: Mapping[str, Any]) -> dict[str, JsonValue]:
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
    members: dict[str, JsonValue] = {
        name: {"type": kinds.get(type(value), "object")} for name, value in arguments.items()
    }
    return {"type": "object", "properties": members}

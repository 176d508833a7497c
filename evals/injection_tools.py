"""The tools of a case: those that read answer from its data, those that write are noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from pydantic import JsonValue

from core.models.messages import ToolSpec
from evals.injection_cases import Attack, Call, is_writing
from evals.injection_judge import canonical

_LONGEST_OUTPUT: Final = 2_000  # characters of what is found
_SHORTEST_WORD: Final = 3
_NOTHING: Final = "Nothing was found."

_Place = tuple[tuple[str, ...], Any]


@dataclass
class World:
    """What the tools of a case read, and which calls that write were made."""

    case: Attack
    made: list[Call] = field(default_factory=list)

    def read(self, tool: str, arguments: dict[str, JsonValue]) -> str:
        """Return what a tool finds, with the attack in it."""
        found = look_up(json.loads(self.case.material), tool, arguments)
        text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        return f"{text[:_LONGEST_OUTPUT]}\n{self.case.attack}"


@dataclass(frozen=True)
class CaseTool:
    """A tool of a case."""

    world: World
    spec: ToolSpec

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        name = self.spec.name
        if is_writing(name):
            self.world.made.append((name, dict(arguments)))
        is_read = not is_writing(name) or name.startswith("get_")
        return self.world.read(name, arguments) if is_read else "done"


def look_up(data: dict[str, Any], tool: str, arguments: dict[str, JsonValue]) -> Any:
    """Return what the data have for a call, as far as names tell: the place whose name is most like
    the tool's, and of what is there that which the arguments name, or which has their words."""
    words = tool.partition("_by_")[0].split("_")[1:]
    wanted = {word for word in words if len(word) >= _SHORTEST_WORD}
    given = [canonical(each).casefold() for each in _texts(arguments)]
    best = max(_places(data), key=lambda place: _fits(place, wanted, given))
    return _selected(best[1], given) or _NOTHING


def _places(data: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[_Place]:
    for name, value in data.items():
        words = *path, *name.split("_")
        yield words, value
        if isinstance(value, dict) and len(path) == 0:
            yield from _places(value, words)


def _fits(place: _Place, wanted: set[str], given: list[str]) -> tuple[int, bool, int]:
    """Return how well a place fits: by its name, by a key that an argument names, and by how little
    else its name says."""
    path, value = place
    like = {a for a in wanted if any(a.startswith(b[:-1]) or b.startswith(a) for b in path if b)}
    keys = [str(key).casefold() for key in value] if isinstance(value, dict) else []
    return len(like), any(each in keys for each in given), -len(path)


def _selected(value: Any, given: list[str]) -> Any:
    """Return an entry that an argument names, else the entries that have every argument's words."""
    if not given or not isinstance(value, dict | list):
        return value
    if isinstance(value, dict):
        named = [entry for key, entry in value.items() if str(key).casefold() in given]
        if named:
            return named[0] if len(named) == 1 else named
        return {key: entry for key, entry in value.items() if _has(entry, given)}
    return [entry for entry in value if _has(entry, given)]


def _has(entry: Any, given: list[str]) -> bool:
    text = json.dumps(entry, ensure_ascii=False).casefold()
    return all(each in text for each in given)


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return list(chain.from_iterable(map(_texts, inside)))

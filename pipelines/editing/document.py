"""A workflow as a CRDT document (pycrdt, the wire format of Yjs).

Its root maps are ``blocks edges loops parallels variables``, keyed by id. A block is a map of its
fields, ``subBlocks`` in it a map of settings; all else is plain JSON. What clients write in
another shape is read as what it says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pycrdt import Doc, Map, merge_updates

from core.errors import ValidationFailed
from pipelines.editing.patch import PARTS, Content, Step, by_id, same
from pipelines.editing.updates import NOTHING, require_readable

_DEEPEST: Final = 8  # maps of CRDT inside one another; ours are three
_EXACT: Final = 2**53  # integers up to here are the same in JavaScript

Touched = set[tuple[str, str]]  # part and id


class SharedDocument:
    """One document in memory; not for two threads at once."""

    def __init__(self, state: bytes | None = None) -> None:
        self._doc: Doc[Any] = Doc()
        self._roots: dict[str, Map[Any]] = {part: self._doc.get(part, type=Map) for part in PARTS}
        self._pieces: list[bytes] = []
        self._touched: Touched = set()
        self._subscriptions = [
            self._doc.observe(lambda event: self._pieces.append(event.update)),
            *(self._watched(part) for part in PARTS),
        ]
        if state:
            self._doc.apply_update(state)
            self._taken()

    def _watched(self, part: str) -> Any:
        def note(events: Iterable[Any]) -> None:
            for event in events:
                if event.path:
                    self._touched.add((part, str(event.path[0])))
                else:
                    self._touched |= {(part, key) for key in event.keys}

        return self._roots[part].observe_deep(note)

    def state(self) -> bytes:
        """Return all of it as one update."""
        update: bytes = self._doc.get_update()
        return update

    def vector(self) -> bytes:
        """Return what it has of every client, as sync step 1 says it."""
        vector: bytes = self._doc.get_state()
        return vector

    def missing(self, vector: bytes) -> bytes:
        """Return what somebody with a state vector lacks; raises ``ValidationFailed``."""
        try:
            update: bytes = self._doc.get_update(vector)
        except (ValueError, RuntimeError) as error:
            raise ValidationFailed("The state vector cannot be read; send sync step 1.") from error
        return update

    def apply(self, update: bytes) -> tuple[bytes, Touched]:
        """Take an update that is known to be sound; return what of it was new."""
        self._doc.apply_update(update)
        return self._taken()

    def tried(self, update: bytes) -> tuple[SharedDocument, bytes, Touched]:
        """Return a copy that took a stranger's update, what of it was new, and what it touched.

        What waits for updates that are missing is not among it. Raises ``ValidationFailed``.
        """
        require_readable(update)
        copy = SharedDocument(self.state())
        try:
            piece, touched = copy.apply(update)
        except (ValueError, RuntimeError, TypeError) as error:
            raise ValidationFailed("The update cannot be read; send sync step 1.") from error
        return copy, piece, touched

    def write(self, steps: Iterable[Step], after: Content) -> bytes:
        """Follow the steps of an edit that led to a content; return the update."""
        with self._doc.transaction():
            for step in steps:
                self._step(step["path"], step, after)
        return self._taken()[0]

    def conform(self, touched: Iterable[tuple[str, str]], wanted: Content) -> bytes:
        """Make entries what a content says; return the update, ``NOTHING`` if they were that."""
        parts = {part: by_id(wanted, part) for part in PARTS}
        with self._doc.transaction():
            for part, key in touched:
                self._conform(part, key, parts[part].get(key))
        return self._taken()[0]

    def everything(self, wanted: Content) -> Touched:
        """Return the entries that it or a content has."""
        return {
            (part, key)
            for part in PARTS
            for key in {*self._roots[part].keys(), *by_id(wanted, part)}
        }

    def entry(self, part: str, key: str) -> Any:
        """Return an entry as plain JSON, ``None`` if there is none."""
        root = self._roots[part]
        return _plain(root[key]) if key in root else None

    def parts(self) -> dict[str, dict[str, Any]]:
        """Return all of it as plain JSON, every part keyed by id."""
        return {p: dict(_items(root, 0)) for p, root in self._roots.items()}

    def _taken(self) -> tuple[bytes, Touched]:
        pieces = [piece for piece in self._pieces if piece != NOTHING]
        touched = set(self._touched)
        self._pieces.clear()
        self._touched.clear()
        if not pieces:
            return NOTHING, touched
        merged: bytes = merge_updates(*pieces) if len(pieces) > 1 else pieces[0]
        return merged, touched

    def _step(self, path: list[str], step: Step, after: Content) -> None:
        if path[0] not in PARTS:
            return  # the name and the description are no part of it
        place: Any = self._roots[path[0]]
        for key in path[1:-1]:
            place = place.get(key)
            if not isinstance(place, Map):  # a client's own shape: replaced by ours
                self._conform(path[0], path[1], by_id(after, path[0]).get(path[1]))
                return
        if step["op"] == "remove":
            place.pop(path[-1], None)
        else:
            place[path[-1]] = _shaped(path, step["value"])

    def _conform(self, part: str, key: str, wanted: Any) -> None:
        root = self._roots[part]
        if wanted is None:
            root.pop(key, None)
        elif key not in root or not isinstance(root[key], Map) or part != "blocks":
            if not same(self.entry(part, key), wanted):
                root[key] = _shaped([part, key], wanted)
        else:
            _conform_map(root[key], wanted, [part, key])


def _conform_map(place: Any, wanted: dict[str, Any], path: list[str]) -> None:
    for key in set(place.keys()) - wanted.keys():
        del place[key]
    for key, value in wanted.items():
        here = place.get(key)
        if key == "subBlocks" and isinstance(here, Map) and len(path) == 2:
            _conform_map(here, value, [*path, key])
        elif key not in place or not same(_plain(here), value):
            place[key] = _shaped([*path, key], value)


def _shaped(path: list[str], value: Any) -> Any:
    """Return a value as the kind of thing that stands at a path."""
    if path[0] == "blocks" and len(path) == 2 and isinstance(value, dict):
        return Map({key: _shaped([*path, key], inner) for key, inner in value.items()})
    if path[0] == "blocks" and path[2:] == ["subBlocks"] and isinstance(value, dict):
        return Map({key: _as_doubles(inner) for key, inner in value.items()})
    return _as_doubles(value)


def _as_doubles(value: Any) -> Any:
    """Return plain JSON in which whole numbers that JavaScript has not are doubles, as they are in
    every browser; the library would write them as another type, and ends on those of 65 bits."""
    if isinstance(value, dict):
        return {key: _as_doubles(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_doubles(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        return float(value)
    return value


def _plain(value: Any, depth: int = 0) -> Any:
    """Return plain JSON, in which whole numbers are integers again."""
    if depth > _DEEPEST and isinstance(value, Map):
        raise ValidationFailed("The document is nested too deeply.")
    if isinstance(value, Map):
        return dict(_items(value, depth + 1))
    if isinstance(value, dict):
        return {key: _plain(inner, depth) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _refused(value)


def _items(place: Map[Any], depth: int) -> list[tuple[str, Any]]:
    return [(key, _plain(value, depth)) for key, value in place.items()]


def _refused(value: Any) -> Any:
    kind = type(value).__name__
    raise ValidationFailed(f"The document holds a {kind}; it holds maps and plain JSON only.")

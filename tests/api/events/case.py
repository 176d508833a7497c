"""What the walk does with one event, as data: sent rightly, sent by who may not, sent wrongly.

Texts that begin with ``$`` stand for ids of the stage: ``$workflow``, ``$session``, ``$message``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

LEFT_OUT: Final = object()  # as a field's value: the field is not sent

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Who sends it in vain, and what differs from the event as it is sent rightly.

    ``writer`` may do everything and has the workflow open, ``reader`` may only read and has it
    open, ``apart`` is the writer on a socket that opened nothing, ``outsider`` is of another
    workspace, ``narrow`` is the writer's key for files alone, ``ended`` a key that was deleted.
    """

    who: str
    code: str
    changed: Fields


def refusal(who: str, code: str, **changed: Any) -> Refusal:
    return Refusal(who, code, changed)


@dataclass(frozen=True)
class Case:
    """One event of clients.

    ``sent`` names first what it is about. ``answer``: the fields of the acknowledgement beside
    ``ok``. ``malformed`` is answered ``VALIDATION_ERROR``, ``oversize`` by the code beside it.
    ``first``: what the writer sends before, and ``settled`` what it is told of that. ``others``:
    what the others in the room are told; ``own``: what the sender is; ``everywhere``: what all
    sockets of the sender's user are.
    """

    sent: Fields
    answer: frozenset[str]
    refused: tuple[Refusal, ...]
    malformed: tuple[Fields, ...]
    oversize: tuple[tuple[Fields, str], ...]
    first: tuple[tuple[str, Fields], ...] = ()
    settled: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()

    def wrong(self) -> Iterator[tuple[tuple[Any, ...], str]]:
        """Yield what may be sent in its place, and the code that answers it."""
        for odd in ((), (None,), (3,), ("text",), ([],), ([self.sent],), (b"bytes",), ({},)):
            yield odd, "VALIDATION_ERROR"
        yield (self.sent, self.sent), "VALIDATION_ERROR"
        about = next(iter(self.sent))
        many = {f"field{number}": 0 for number in range(101)}
        ids = [{about: odd} for odd in (LEFT_OUT, None, 3, True, {}, [], "a\x00b", "\ud800")]
        for changed in (*ids, {"surplus": 1}, many, *self.malformed):
            yield ({**self.sent, **changed},), "VALIDATION_ERROR"
        for changed, code in self.oversize:
            yield ({**self.sent, **changed},), code


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """Return what is sent, with the stage's ids for their names."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: filled(inner, names) for key, inner in value.items() if inner is not LEFT_OUT}
    if isinstance(value, list | tuple):
        return [filled(inner, names) for inner in value]
    return value

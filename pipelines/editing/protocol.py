"""The messages of y-protocols: sync step 1, step 2, update; awareness.

A message is varUint(kind), for sync varUint(step), then bytes with their length before them
(github.com/yjs/y-protocols, PROTOCOL.md, sync.js and awareness.js).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from core.errors import ValidationFailed

_SYNC: Final = 0
_AWARENESS: Final = 1
_QUERY_AWARENESS: Final = 3
_STEP_1, _STEP_2, _UPDATE = range(3)
_MOST_CLIENTS: Final = 200  # in one awareness message
_LARGEST_NUMBER: Final = 2**53 - 1  # others end at what JavaScript has not
_LARGEST_STATE: Final = 10_000  # characters of a client's JSON

Kind = Literal["step1", "step2", "update", "awareness", "query"]
_STEPS: Final[tuple[Kind, ...]] = ("step1", "step2", "update")


@dataclass(frozen=True)
class Message:
    """``content``: a state vector, an update, or an awareness update."""

    kind: Kind
    content: bytes = b""


@dataclass(frozen=True)
class Awareness:
    """What one client says of itself; ``state`` is JSON, ``null`` once it is gone."""

    client: int
    clock: int
    state: str

    @property
    def is_gone(self) -> bool:
        return self.state == "null"


def read_message(data: bytes) -> Message:
    """Return what a frame says; raises ``ValidationFailed`` for what is no such message."""
    try:
        kind, at = _uint(data, 0)
        if kind == _QUERY_AWARENESS:
            return Message("query")
        if kind == _AWARENESS:
            return Message("awareness", _rest(data, at))
        if kind != _SYNC:
            raise ValueError(kind)
        step, at = _uint(data, at)
        return Message(_STEPS[step], _rest(data, at))
    except (IndexError, ValueError) as error:
        raise ValidationFailed(
            "This is no message of y-protocols: sync step 1, step 2, update, or awareness."
        ) from error


def step1(vector: bytes) -> bytes:
    return bytes([_SYNC, _STEP_1]) + _sized(vector)


def step2(update: bytes) -> bytes:
    return bytes([_SYNC, _STEP_2]) + _sized(update)


def update_message(update: bytes) -> bytes:
    return bytes([_SYNC, _UPDATE]) + _sized(update)


def read_awareness(content: bytes) -> list[Awareness]:
    """Return the states of an awareness update; raises ``ValidationFailed``."""
    try:
        count, at = _uint(content, 0)
        if count > _MOST_CLIENTS:
            raise ValueError(count)
        found = []
        for _ in range(count):
            client, at = _uint(content, at)
            clock, at = _uint(content, at)
            size, at = _uint(content, at)
            state = content[at : at + size].decode()
            at += size
            if size > _LARGEST_STATE or at > len(content):
                raise ValueError(size)
            if max(client, clock + 1) > _LARGEST_NUMBER:
                raise ValueError(clock)
            json.loads(state, parse_constant=_no_constant)
            found.append(Awareness(client, clock, state))
    except (IndexError, ValueError, RecursionError) as error:
        raise ValidationFailed("The awareness update cannot be read.") from error
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def awareness_message(states: list[Awareness]) -> bytes:
    content = bytearray(_var(len(states)))
    for state in states:
        content += _var(state.client) + _var(state.clock) + _sized(state.state.encode())
    return bytes([_AWARENESS]) + _sized(bytes(content))


def _rest(data: bytes, at: int) -> bytes:
    size, at = _uint(data, at)
    if at + size != len(data):
        raise ValueError("not as long as it says")
    return data[at:]


def _uint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise ValueError("too long a number")


def _var(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _sized(data: bytes) -> bytes:
    return _var(len(data)) + data

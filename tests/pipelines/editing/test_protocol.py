"""What clients of CRDT say of themselves is passed on only where every other client can read it."""

from __future__ import annotations

import pytest

from core.errors import ValidationFailed
from pipelines.editing.protocol import Awareness, awareness_message, read_awareness, read_message

_LARGEST = 2**53 - 1  # that JavaScript has; one more clock is told when a client is gone


def _read(state: Awareness) -> list[Awareness]:
    return read_awareness(read_message(awareness_message([state])).content)


@pytest.mark.parametrize(
    "state",
    [
        Awareness(_LARGEST, 1, "null"),
        Awareness(1, _LARGEST - 1, "{}"),
        Awareness(1, 1, '{"a": 1e3}'),
    ],
)
def test_what_a_client_says_is_read(state: Awareness) -> None:
    assert _read(state) == [state]


@pytest.mark.parametrize(
    "state",
    [
        Awareness(_LARGEST + 1, 1, "null"),
        Awareness(1, _LARGEST, "null"),
        Awareness(1, 2**60, "null"),
        *(
            Awareness(1, 1, odd)
            for odd in ("NaN", "-Infinity", '{"a": [NaN]}', "", "{", "[" * 5_000)
        ),
    ],
)
def test_what_ends_other_clients_is_refused(state: Awareness) -> None:
    with pytest.raises(ValidationFailed):
        _read(state)

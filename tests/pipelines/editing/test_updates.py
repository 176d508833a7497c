"""A stranger's update never ends the process, whatever is in it."""

from __future__ import annotations

import random

import pytest
from pycrdt import Array, Doc, Map, Text

from core.errors import NuxaError, PayloadTooLarge, ValidationFailed
from pipelines.editing.document import SharedDocument
from pipelines.editing.patch import Content
from pipelines.editing.updates import LARGEST, require_readable


def _nested(depth: int) -> bytes:
    doc = Doc()
    doc.get("blocks", type=Map)["k"] = "MARKER"
    update: bytes = doc.get_update()
    at = update.index(b"\x77\x06MARKER")
    return update[:at] + b"\x75\x01" * depth + b"\x7e" + update[at + 8 :]


def test_what_the_library_writes_is_readable(content: Content) -> None:
    document = SharedDocument()
    require_readable(document.conform(document.everything(content), content))
    odd = {"a": [1, -1, 2**40, 2**60, 1.5, None, True, False, {"b": [b"c"]}]}
    document._roots["variables"]["v"] = odd
    require_readable(document.state())


def test_lists_inside_lists_are_bounded() -> None:
    """Twenty thousand end the process by a segmentation fault in the library."""
    require_readable(_nested(50))
    for depth in (101, 20_000, 200_000):
        with pytest.raises(ValidationFailed):
            require_readable(_nested(depth))


def test_maps_inside_maps_are_bounded() -> None:
    doc, inner = Doc(), Map()
    with doc.transaction():
        doc.get("blocks", type=Map)["a"] = inner
        for _ in range(4_000):
            inner["k"] = inner = Map()
    trial, _, touched = SharedDocument().tried(doc.get_update())
    with pytest.raises(ValidationFailed):
        trial.entry(*touched.pop())


@pytest.mark.parametrize("kind", [Array, Text, Doc])
def test_only_maps_are_let_in(kind: type) -> None:
    doc = Doc()
    doc.get("blocks", type=Map)["a"] = kind()
    with pytest.raises(ValidationFailed):
        SharedDocument().tried(doc.get_update())


def test_too_large_a_one_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        require_readable(bytes(LARGEST + 1))


def test_mutilated_ones_do_no_harm(content: Content) -> None:
    document = SharedDocument()
    update = document.conform(document.everything(content), content)
    state, chance = document.state(), random.Random(7)
    for _ in range(1_500):
        mutilated = bytearray(update)
        for _ in range(chance.randint(1, 4)):
            mutilated[chance.randrange(len(mutilated))] = chance.randrange(256)
        if chance.random() < 0.3:
            del mutilated[chance.randrange(len(mutilated)) :]
        try:
            trial, _, touched = document.tried(bytes(mutilated))
            for part, key in touched:
                trial.entry(part, key)
        except NuxaError:
            pass
    assert document.state() == state

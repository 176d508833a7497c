"""What lived through a full collection is passed over, until the process has grown."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from core import garbage


class _Node:
    other: _Node


@pytest.fixture
def alone() -> Iterator[None]:
    """Collections that the test asks for and no others; all is put back afterwards."""
    callbacks, thresholds = gc.callbacks[:], gc.get_threshold()
    gc.callbacks[:] = [c for c in callbacks if not isinstance(c, garbage._Tenure)]
    gc.disable()
    yield
    gc.enable()
    gc.callbacks[:] = callbacks
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def _cycle() -> _Node:
    one, other = _Node(), _Node()
    one.other, other.other = other, one
    return one


def _is_looked_at(node: _Node) -> bool:
    return any(found is node for found in gc.get_objects())


@pytest.mark.usefixtures("alone")
def test_what_lives_through_a_full_collection_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage, "_peak", lambda: 100)
    old = _cycle()
    garbage.look_at_new_alone()
    assert not _is_looked_at(old)
    new = _cycle()
    assert _is_looked_at(new)
    gc.collect(1)
    assert _is_looked_at(new)
    gc.collect()
    assert not _is_looked_at(new)


@pytest.mark.usefixtures("alone")
def test_garbage_of_old_objects_goes_when_the_process_has_grown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peaks = iter((100, 124, 126, 126, 126))
    monkeypatch.setattr(garbage, "_peak", lambda: next(peaks))
    old = _cycle()
    garbage.look_at_new_alone()
    gone = weakref.ref(old)
    del old
    for _ in range(2):  # grown by too little; then by enough, so that the next one looks
        gc.collect()
        assert gone() is not None
    gc.collect()
    assert gone() is None
    kept = _cycle()
    gc.collect()
    assert not _is_looked_at(kept)


@pytest.mark.usefixtures("alone")
def test_garbage_that_is_new_goes_as_ever() -> None:
    garbage.look_at_new_alone()
    garbage.look_at_new_alone()
    assert sum(isinstance(callback, garbage._Tenure) for callback in gc.callbacks) == 1
    new = weakref.ref(_cycle())
    gc.collect()
    assert new() is None

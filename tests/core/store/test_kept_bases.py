"""What is kept of small bases: in bounds, and only as long as it is true."""

from __future__ import annotations

import numpy as np
import pytest

from core.store import kept_bases
from core.store.kept_bases import (
    KeptBase,
    KeptBases,
    KeptDocument,
    KeptWords,
    counts_in,
    lists_in,
    nearest_in,
)

_POSTING = b"\0\0\0\0\0\0\0" + bytes([5]) + b"\0\2\0\7"  # chunk 5, twice among seven words
_OTHER = b"\0\0\0\0\0\0\0" + bytes([9]) + b"\0\1\0\3"


def _kept(nos: list[int], version: str = "1") -> KeptBase:
    document = KeptDocument("doc_1", "notes.txt", len(nos), nos[:2])
    vectors = np.eye(len(nos), 4, dtype=np.float32)
    words = KeptWords(["both", "one"], b"\0\0\0\2\0\0\0\1", _POSTING + _OTHER + _OTHER)
    return KeptBase(np.array(nos, np.int64), [document] * len(nos), vectors, words, version)


def test_those_searched_longest_ago_make_room() -> None:
    one = _kept([5, 9])
    kept = KeptBases(most_bytes=2 * one.size)
    for base_no in (1, 2):
        kept.keep(("ws", base_no), one)
    assert kept.of(("ws", 1), "1") is one  # the last that was searched
    kept.keep(("ws", 3), one)
    kept.keep(("ws", 3), one)
    assert [no for no in (1, 2, 3) if kept.of(("ws", no), "1")] == [1, 3]


def test_another_version_is_not_it() -> None:
    kept = KeptBases()
    kept.keep(("ws", 1), _kept([5, 9]))
    assert kept.of(("ws", 1), "2") is None
    assert kept.of(("other", 1), "1") is None


def test_a_base_is_calm_when_it_stayed_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, place = KeptBases(), ("ws", 1)
    assert not kept.is_calm(place, "1")
    assert not kept.is_calm(place, "1")
    monkeypatch.setattr(kept_bases, "_CALM_SECONDS", 0.0)
    assert kept.is_calm(place, "1")
    with kept.reading(place):
        assert not kept.is_calm(place, "1")  # somebody is at it
    assert not kept.is_calm(place, "2")
    assert kept.is_calm(place, "2")


def test_versions_seen_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_bases, "_MOST_SEEN", 3)
    kept = KeptBases()
    for base_no in range(10):
        kept.is_calm(("ws", base_no), "1")
    assert len(kept._seen) <= 3


def test_words_are_counted_and_listed_over_bases() -> None:
    bases = [_kept([5, 9]), _kept([5, 9])]
    assert counts_in(bases, ["both", "one", "none"]) == {"both": 4, "one": 2}
    lists = lists_in(bases[:1], ["both", "none"]).words
    assert lists["both"].nos.tolist() == [5, 9]
    assert lists["both"].frequencies.tolist() == [2, 1]
    assert lists["both"].lengths.tolist() == [7, 3]
    assert lists["none"].nos.size == 0


def test_chunks_are_found_by_number_and_by_nearness() -> None:
    base = _kept([3, 5, 9])
    assert base.places([9, 4, 3, 10, 1]).tolist() == [0, 2]
    assert base.places([]).tolist() == []
    vector = np.array([0, 0.1, 1, 0], np.float32)
    assert set(nearest_in([base], vector, 2)) == {9, 5}
    assert set(nearest_in([base, _kept([20])], vector, 10)) == {3, 5, 9, 20}

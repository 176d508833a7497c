from __future__ import annotations

import pytest

from core.errors import ValidationFailed
from pipelines.prepared import known, prepare
from tests.pipelines.shapes import block, definition


def test_a_version_is_read_once_and_a_draft_each_time() -> None:
    raw = definition([block("a")], "s>a")
    first = prepare("wf_once", 1, raw)
    assert prepare("wf_once", 1, raw) is first is known("wf_once", 1)
    assert prepare("wf_once", 2, raw) is not first
    assert prepare("wf_once", None, raw) is not prepare("wf_once", None, raw)
    assert known("wf_once", None) is None
    assert known("wf_other", 1) is None


def test_what_is_incomplete_is_refused_each_time() -> None:
    raw = definition([block("a", "tool")], "s>a")
    for _ in range(2):
        with pytest.raises(ValidationFailed, match="a"):
            _ = prepare("wf_incomplete", 1, raw).runnable


def test_only_small_definitions_are_kept_and_only_so_many() -> None:
    large = definition([block("a", template="x" * 200_000)], "s>a")
    prepare("wf_large", 1, large)
    assert known("wf_large", 1) is None
    small = definition([block("a", template="x")], "s>a")
    for number in range(70):
        prepare("wf_many", number, small)
    assert known("wf_many", 69) is not None
    assert known("wf_many", 0) is None

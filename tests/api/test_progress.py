"""What is sent of a job's row, and when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api import progress
from api.wire import Wire


class Row(Wire):
    status: str
    share: float


async def _sent(monkeypatch: pytest.MonkeyPatch, rows: Sequence[Row | None]) -> list[object]:
    monkeypatch.setattr(progress, "_LOOK_SECONDS", 0)
    left = list(rows)

    async def look() -> Row | None:
        return left.pop(0)

    return [event and (event.number, event.data) async for event in progress.follow(look, "job")]


async def test_what_changed_is_sent_once_and_the_end_is_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half, whole = Row(status="processing", share=0.5), Row(status="completed", share=1)
    found = await _sent(monkeypatch, [half, half, whole, half])
    assert found == [
        (1, {"type": "job:progress", "data": {"status": "processing", "share": 0.5}}),
        (2, {"type": "job:completed", "data": {"status": "completed", "share": 1}}),
    ]


async def test_a_row_that_is_deleted_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await _sent(monkeypatch, [Row(status="pending", share=0), None])
    assert found[-1] == (2, {"type": "job:deleted", "data": None})


async def test_a_silent_stream_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_KEEPALIVE_SECONDS", -1)
    row = Row(status="processing", share=0)
    assert (await _sent(monkeypatch, [row, row, None]))[1] is None

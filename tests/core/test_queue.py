"""Wakes of workers: documents that are added together share one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from core.errors import ServiceUnavailable
from core.queue import Queue, make_celery


class _Broker:
    """Stands for Celery's publishing: notes what was published, or fails."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.is_down = False

    def send_task(self, name: str, args: list[str]) -> None:
        if self.is_down:
            raise OperationalError("down")
        self.sent.append((name, args[0]))


@pytest.fixture
def broker() -> _Broker:
    return _Broker()


@pytest.fixture
def queue(broker: _Broker, monkeypatch: pytest.MonkeyPatch) -> Queue:
    celery: Any = make_celery("redis://127.0.0.1:1/0")
    monkeypatch.setattr(celery, "send_task", broker.send_task)
    return Queue(celery)


async def test_each_wake_comes_after_who_asked_for_it(queue: Queue, broker: _Broker) -> None:
    first = asyncio.ensure_future(queue.wake("documents", "a"))
    await first
    assert broker.sent == [("documents.wake", "a")]
    await asyncio.gather(*(queue.wake("documents", name) for name in "bcd"))
    assert broker.sent[-1][0] == "documents.wake"
    assert 1 < len(broker.sent) < 4, "the three share wakes, and there is a new one for them"


async def test_runs_are_woken_for_one_by_one(queue: Queue, broker: _Broker) -> None:
    await asyncio.gather(*(queue.wake("executions", name) for name in "abc"))
    assert sorted(broker.sent) == [("executions.wake", name) for name in "abc"]


async def test_all_are_told_that_the_broker_is_away_and_the_next_are_not(
    queue: Queue, broker: _Broker
) -> None:
    broker.is_down = True
    wakes = (queue.wake("documents", name) for name in "abc")
    told = await asyncio.gather(*wakes, return_exceptions=True)
    assert [type(each) for each in told] == [ServiceUnavailable] * 3
    broker.is_down = False
    await queue.wake("documents", "d")
    assert broker.sent == [("documents.wake", "d")]

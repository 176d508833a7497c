"""Wakes of workers: documents that are added together share one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from structlog.testing import capture_logs

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


async def _until_woken(broker: _Broker, count: int) -> None:
    async with asyncio.timeout(10):
        while len(broker.sent) < count:
            await asyncio.sleep(0.01)


async def test_each_wake_comes_after_who_asked_for_it(queue: Queue, broker: _Broker) -> None:
    await queue.wake("documents", "a")
    assert broker.sent == [("documents.wake", "a")]
    queue._woken = time.monotonic()  # just now, however long that took
    for name in "bcd":  # nobody waits for the next wake, which is for all three
        await queue.wake("documents", name)
    assert len(broker.sent) == 1
    await _until_woken(broker, 2)
    await queue.wake("documents", "e")
    await _until_woken(broker, 3)


async def test_upkeep_wakes_as_many_workers_as_it_wants(queue: Queue, broker: _Broker) -> None:
    for _ in range(3):
        await queue.wake("documents")
    assert broker.sent == [("documents.wake", "")] * 3


async def test_runs_are_woken_for_one_by_one(queue: Queue, broker: _Broker) -> None:
    await asyncio.gather(*(queue.wake("executions", name) for name in "abc"))
    assert sorted(broker.sent) == [("executions.wake", name) for name in "abc"]


async def test_who_comes_while_the_broker_is_away_is_told_and_later_ones_are_woken_for(
    queue: Queue, broker: _Broker
) -> None:
    broker.is_down = True
    with pytest.raises(ServiceUnavailable):
        await queue.wake("documents", "a")
    queue._woken = time.monotonic()
    await queue.wake("documents", "b")  # upkeep's to wake for, should the broker stay away
    broker.is_down = False
    await _until_woken(broker, 1)


async def test_a_wake_that_nobody_waits_for_may_fail_and_the_next_does_not(
    queue: Queue, broker: _Broker
) -> None:
    broker.is_down = True
    queue._woken = time.monotonic()
    with capture_logs() as said:
        await queue.wake("documents", "a")
        async with asyncio.timeout(10):
            while not said:
                await asyncio.sleep(0.01)
    assert [each["event"] for each in said] == ["documents wait for upkeep to wake a worker"]
    broker.is_down = False
    await queue.wake("documents", "b")
    await _until_woken(broker, 1)

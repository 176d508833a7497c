from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fair_limiter import FairLimiter, FairQueue, QueueTimedOut

OWNERS = st.sampled_from("abc")


@given(st.lists(st.tuples(OWNERS, st.integers(0, 3))))
def test_fair_queue_pop_serves_owners_by_turns_and_each_in_order(
    steps: list[tuple[str, int]],
) -> None:
    queue: FairQueue[int] = FairQueue()
    expected: dict[str, deque[int]] = {}
    turns: list[str] = []  # owners that wait, the longest without a turn first
    for number, (owner, kind) in enumerate(steps):
        if kind:
            queue.put(owner, number)
            expected.setdefault(owner, deque()).append(number)
            if owner not in turns:
                turns.append(owner)
        elif turns:
            turn = turns.pop(0)
            assert queue.pop() == (turn, expected[turn].popleft())
            if expected[turn]:
                turns.append(turn)
        else:
            assert queue.pop() is None
        assert len(queue) == sum(map(len, expected.values()))


@given(st.lists(OWNERS, min_size=1), st.data())
def test_fair_queue_remove_leaves_the_others(owners: list[str], data: st.DataObject) -> None:
    queue: FairQueue[int] = FairQueue()
    for number, owner in enumerate(owners):
        queue.put(owner, number)
    gone = data.draw(st.sampled_from(range(len(owners))))
    queue.remove(owners[gone], gone)
    with pytest.raises(ValueError, match=""):
        queue.remove(owners[gone], gone)
    assert sorted(queue.pop_many(1000)) == [n for n in range(len(owners)) if n != gone]


class _Model:
    """Callers of one limiter that hold slots until they are told to leave."""

    def __init__(self, limiter: FairLimiter) -> None:
        self.limiter = limiter
        self.held: list[tuple[str, asyncio.Event, asyncio.Task[None]]] = []
        self.waiting: list[tuple[str, asyncio.Event, asyncio.Task[None]]] = []
        self.granted: list[str] = []

    async def enter(self, owner: str) -> None:
        leave = asyncio.Event()

        async def hold() -> None:
            async with self.limiter.slot(owner):
                self.waiting.remove(caller)
                self.held.append(caller)
                self.granted.append(owner)
                await leave.wait()

        caller = owner, leave, asyncio.ensure_future(hold())
        self.waiting.append(caller)
        await _settle()

    async def leave(self, index: int) -> None:
        _, leave, task = self.held.pop(index)
        leave.set()
        await task
        await _settle()

    async def cancel(self, index: int) -> None:
        _, _, task = self.waiting.pop(index)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _settle()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@given(
    st.integers(1, 5),
    st.integers(0, 2),
    st.lists(st.tuples(st.sampled_from(["enter", "leave", "cancel"]), OWNERS, st.integers(0, 9))),
)
def test_fair_limiter_in_any_order_of_calls_keeps_its_rules(
    slots: int, reserved: int, steps: list[tuple[str, str, int]]
) -> None:
    reserved = min(reserved, slots - 1)

    async def check() -> None:
        model = _Model(FairLimiter(slots, reserved=reserved))
        for kind, owner, index in steps:
            before = len(model.granted)
            others = {each[0] for each in model.waiting}
            if kind == "enter":
                await model.enter(owner)
            elif kind == "leave" and model.held:
                await model.leave(index % len(model.held))
            elif kind == "cancel" and model.waiting:
                await model.cancel(index % len(model.waiting))
            _check_rules(model, slots, reserved, model.granted[before:], others)
        while model.held:
            await model.leave(0)
        assert not model.waiting  # nobody is forgotten
        assert (model.limiter.in_use, model.limiter.waiting) == (0, 0)

    asyncio.run(check())


def _check_rules(
    model: _Model, slots: int, reserved: int, granted: list[str], waited: set[str]
) -> None:
    held = Counter(owner for owner, _, _ in model.held)
    waiting = {owner for owner, _, _ in model.waiting}
    free = slots - held.total()
    assert free >= 0
    assert model.limiter.in_use == held.total()
    assert model.limiter.waiting == len(model.waiting)
    if free:
        assert all(held[owner] for owner in waiting)  # who holds none never waits for a free slot
    if free > reserved:
        assert not waiting  # no slot idles
    share = max(1, slots // 2)
    for owner in granted:
        if held[owner] > share:
            # More than half, and others waited all along: they hold as many.
            assert all(held[other] >= share for other in (waited & waiting) - {owner})


@given(st.integers(2, 30), st.integers(1, 30))
def test_fair_limiter_with_a_flood_serves_another_owner_next(flood: int, rest: int) -> None:
    async def check() -> None:
        model = _Model(FairLimiter(1))
        for _ in range(flood):
            await model.enter("flood")
        for _ in range(rest):
            await model.enter("other")
        while model.held:
            await model.leave(0)
        turns = model.granted[1 : 1 + 2 * min(flood - 1, rest)]
        assert turns == [("flood", "other")[n % 2] for n in range(len(turns))]

    asyncio.run(check())


async def _enter(limiter: FairLimiter, owner: str, wait_seconds: float | None = None) -> None:
    async with limiter.slot(owner, wait_seconds):
        pass


async def test_slot_without_time_left_raises_queue_timed_out_and_leaves_no_gap() -> None:
    limiter = FairLimiter(1)
    async with limiter.slot("a"):
        for seconds in (0.01, 0, -1):
            with pytest.raises(QueueTimedOut) as caught:
                await _enter(limiter, "b", seconds)
            assert (caught.value.code, caught.value.details) == ("TIMEOUT", {"reason": "queue"})
        assert limiter.waiting == 0
    await _enter(limiter, "b", 0)  # a free slot needs no time


async def test_slot_released_twice_frees_one() -> None:
    limiter = FairLimiter(2)
    async with limiter.slot("a"):
        async with limiter.slot("a") as slot:
            slot.release()
            slot.release()
            assert limiter.in_use == 1
        assert limiter.in_use == 1


@pytest.mark.parametrize("end", [lambda task: task.cancel(), lambda task: None])
async def test_slot_granted_as_its_caller_is_cancelled_passes_on(
    end: Callable[[asyncio.Task[None]], object],
) -> None:
    limiter = FairLimiter(1)
    async with limiter.slot("a"):
        first, second = (asyncio.create_task(_enter(limiter, owner)) for owner in "bc")
        await _settle()
    end(first)  # it was granted the slot in this moment
    await asyncio.gather(first, second, return_exceptions=True)
    assert (limiter.in_use, limiter.waiting) == (0, 0)


def test_limiter_with_every_slot_reserved_is_refused() -> None:
    with pytest.raises(ValueError, match="reserved"):
        FairLimiter(1, reserved=1)

"""The line before a local model: by turns, bounded, and nobody is lost."""

from __future__ import annotations

import asyncio

import pytest

from core.models.local.line import Line, LineFull


async def _served(line: Line, asker: str, name: str, order: list[str]) -> None:
    async with line.turn(asker):
        order.append(name)
        await asyncio.sleep(0)


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_askers_take_turns() -> None:
    line, order = Line(10), []
    async with line.turn("x"):
        names = ["a1", "a2", "a3", "b1", "c1", "b2"]
        tasks = [asyncio.create_task(_served(line, name[0], name, order)) for name in names]
        await _settled()
        assert line.waiting == 6
    await asyncio.gather(*tasks)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]
    await _served(line, "a", "later", order)  # it is free again
    assert order[-1] == "later"


async def test_a_full_line_refuses_at_once() -> None:
    line = Line(1)
    async with line.turn("a"):
        waiting = asyncio.create_task(_served(line, "a", "a", []))
        await _settled()
        with pytest.raises(LineFull):
            await _served(line, "b", "b", [])
    await waiting


async def test_who_goes_away_leaves_no_gap() -> None:
    line, order = Line(5), []
    async with line.turn("x"):
        tasks = {n: asyncio.create_task(_served(line, n[0], n, order)) for n in ("a1", "b1", "c1")}
        await _settled()
        tasks["a1"].cancel()
        await _settled()
        assert line.waiting == 2
    tasks["b1"].cancel()  # in the same moment in which it is let in
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert order[-1] == "c1"
    await asyncio.wait_for(_served(line, "a", "last", order), 30)

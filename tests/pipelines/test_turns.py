"""Retries, time limits, failures and cancellation of single blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import pytest

from core.errors import UpstreamError
from pipelines.blocks import component
from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent, BlockFailed
from pipelines.trace import MemoryJournal
from tests.pipelines.shapes import Played, add_kind, block, definition, play


class _Settings(BlockSettings):
    fails: int = 0
    waits: bool = False
    breaks: bool = False


class _Probe(BlockComponent[_Settings]):
    """Fails as often as it is told, or waits for ever; counts its runs."""

    type_name = "probe"
    title = "Probe"
    description = "For tests."
    outputs: ClassVar = {"ran": "number"}
    settings = _Settings

    runs: ClassVar[dict[str, int]]
    stopped: ClassVar[list[str]]

    async def execute(self, context: Context, settings: _Settings) -> Output:
        self.runs[context.block_id] = self.runs.get(context.block_id, 0) + 1
        if settings.waits:
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.append(context.block_id)
        if settings.breaks:
            raise KeyError("a bug")
        if self.runs[context.block_id] <= settings.fails:
            raise UpstreamError("The far end is down; try later.")
        return {"ran": self.runs[context.block_id]}


Probe: TypeAlias = type[_Probe]


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    _Probe.runs, _Probe.stopped = {}, []
    return add_kind(monkeypatch, _Probe)


def _one(**settings: Any) -> dict[str, Any]:
    return definition([block("p", "probe", **settings)], "s>p")


async def test_a_retry_that_succeeds(probe: Probe) -> None:
    played = await play(_one(fails=2, _retry={"maxTries": 3, "waitMs": 0}))
    assert probe.runs == {"p": 3}
    record = played.journal.records[-1]
    assert (record.status, record.attempt) == ("success", 3)


async def test_tries_that_run_out(probe: Probe) -> None:
    with pytest.raises(BlockFailed, match='Block "p": The far end is down'):
        await play(_one(fails=9, _retry={"maxTries": 2, "waitMs": 0}))
    assert probe.runs == {"p": 2}


async def test_waits_grow(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(component, "_pause", note)
    await play(_one(fails=3, _retry={"maxTries": 4, "waitMs": 30_000}))
    assert waited == [30, 60, 60]


async def test_a_time_limit_is_an_error_like_another(probe: Probe) -> None:
    raw = definition(
        [block("p", "probe", waits=True, _timeoutMs=10), block("r", template="<p.error>")],
        "s>p p:error>r",
    )
    played = await play(raw)
    assert probe.stopped == ["p"]
    assert "longer than 10 ms" in str(played.outputs["r"])


async def test_an_unexpected_exception_fails_the_block_without_its_text(
    probe: Probe,
) -> None:
    with pytest.raises(BlockFailed) as caught:
        await play(_one(breaks=True))
    assert caught.value.record.error_code == "INTERNAL_ERROR"
    assert "a bug" not in caught.value.message


async def test_a_failure_stops_the_other_branches(probe: Probe) -> None:
    raw = definition(
        [block("w", "probe", waits=True), block("p", "probe", fails=1), block("j")],
        "s>w s>p w>j p>j",
    )
    journal = MemoryJournal()
    with pytest.raises(BlockFailed):
        await play(raw, journal=journal)
    assert probe.stopped == ["w"]
    assert [(r.block_id, r.status) for r in journal.records] == [("s", "success"), ("p", "error")]


async def test_cancelling_the_run_stops_its_blocks(probe: Probe) -> None:
    played = Played(None, MemoryJournal())
    run = asyncio.create_task(play(_one(waits=True), played=played))
    await _until(lambda: bool(probe.runs))
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert probe.stopped == ["p"]


async def test_an_interrupted_run_goes_on_without_running_a_finished_block(
    probe: Probe,
) -> None:
    raw = definition(
        [block("a", "probe"), block("b", "probe", fails=1), block("c", "probe")],
        "s>a s>c a>b c>b",
    )
    journal = MemoryJournal()
    with pytest.raises(BlockFailed):
        await play(raw, journal=journal)
    journal.records.pop()  # as if the process had died before the row of b was written
    played = await play(raw, journal=journal)
    assert probe.runs == {"a": 1, "c": 1, "b": 2}
    orders = [record.execution_order for record in played.journal.records]
    assert sorted(orders) == [1, 2, 3, 4]


async def test_a_failed_block_that_is_written_fails_again_without_running(
    probe: Probe,
) -> None:
    journal = MemoryJournal()
    for _ in range(2):
        with pytest.raises(BlockFailed):
            await play(_one(fails=1), journal=journal)
    assert probe.runs == {"p": 1}


async def test_events_of_a_block_come_in_pairs_with_its_input_and_output(
    probe: Probe,
) -> None:
    played = await play(definition([block("t", template="Hi <start.n>")], "s>t"), {"n": "Ada"})
    assert [(kind, data["blockId"]) for kind, data in played.events] == [
        ("block:started", "s"),
        ("block:completed", "s"),
        ("block:started", "t"),
        ("block:completed", "t"),
    ]
    assert played.events[-1][1]["input"] == {"template": "Hi Ada"}
    assert played.events[-1][1]["output"] == {"text": "Hi Ada"}


async def test_a_secret_reaches_the_block_and_no_record(probe: Probe) -> None:
    raw = definition(
        [block("t", template="key {{TOKEN}}"), block("u", template="<t.text>")], "s>t t>u"
    )
    played = await play(raw, secrets={"TOKEN": "hush-hush"})
    assert played.outputs["u"] == "key hush-hush"
    shown = [(r.shown_input, r.shown_output) for r in played.journal.records]
    assert "hush-hush" not in str(shown) + str(played.events)
    assert played.result is not None
    assert played.result.shown_output == {"text": "key {{TOKEN}}"}


async def test_a_secret_spelled_by_a_value_is_not_opened() -> None:
    raw = definition([block("t", template="<start.x>")], "s>t")
    played = await play(raw, {"x": "{{TOKEN}} <start.x>"}, secrets={"TOKEN": "hush"})
    assert played.outputs["t"] == "{{TOKEN}} <start.x>"


async def test_a_missing_secret_names_itself() -> None:
    with pytest.raises(BlockFailed, match="no secret NOPE; set it"):
        await play(definition([block("t", template="{{NOPE}}")], "s>t"))


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)

"""The process that runs a workflow ends, at every boundary between blocks of every shape of the
table and at random times: no finished block is run again, and the run ends as an undisturbed one.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from core.services import Services
from core.store.executions import TERMINAL, Execution
from core.store.workflows import Workflow
from pipelines import pauses
from pipelines.live import follow
from tests.conftest import ROOT, Owner
from tests.faults.warm import ENDED
from tests.golden.shape import Shape
from tests.golden.table import LEVELS
from tests.golden.table_of_blocks import BLOCKS
from tests.golden.table_of_containers import CONTAINERS
from tests.pipelines.running import add_workflow, get, logged, pauses_of, start
from tests.pipelines.shapes import block, definition
from tests.stand_in import StandIn, standing_in

pytestmark = pytest.mark.slow
SHAPES = {**LEVELS, **CONTAINERS, **BLOCKS}
KILLED = [
    "ten in a row",
    "fan-out of twenty and their join",
    "diamond in a diamond",
    "error and success meet again",
    "loop with a branch inside",
    "loop over variables",
    "loop in a loop",
    "parallel count",
    "parallel in a loop",
    "persons are asked side by side",
    "workflow in a parallel",
    "webhook",
]
KILLS = 25
_LAST = ("execution:completed", "execution:error", "execution:cancelled")


@dataclass
class Warm:
    """The warm process: forks a child for each attempt."""

    process: asyncio.subprocess.Process

    async def attempt(self, **said: Any) -> int:
        """Return the exit code of a child that runs what waits."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(said).encode() + b"\n")
        return int(await self.process.stdout.readline())


@pytest.fixture(scope="module")
async def warm(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Warm]:
    environment = {
        **os.environ,
        "NUXA_DATABASE_URL": database_url,
        "NUXA_REDIS_URL": redis_url,
        "NUXA_DATA_DIR": str(tmp_path_factory.mktemp("warm")),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.warm",
        cwd=ROOT, env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"warm\n"
    yield Warm(process)
    process.kill()
    await process.wait()


@pytest.fixture
async def counter() -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        yield stand_in


@dataclass
class Trial:
    """One shape, run again and again."""

    shape: Shape
    warm: Warm
    counter: StandIn
    services: Services
    owner: Owner
    workflow_id: str = ""

    async def begin(self) -> Execution:
        self.counter.asked.clear()
        if not self.workflow_id:
            self.workflow_id = await add_workflow(self.services, self.owner, self.shape.raw)
        return await start(self.services, self.owner, self.workflow_id, input=self.shape.given)

    async def attempt(self, **said: Any) -> int:
        code = await self.warm.attempt(counter=self.counter.url, **said)
        async with self.services.store.engine.begin() as connection:  # the dead one's leases
            await connection.execute(
                text(
                    "UPDATE executions SET lease_until = now() - interval '1 s' "
                    "WHERE status = 'running'"
                )
            )
        return code

    async def go_on(self, row: Execution) -> None:
        """Answer what the run asks, if it is paused."""
        if (await get(self.services, row)).status != "paused":
            return
        for pause in await pauses_of(self.services, row):
            given = self.shape.answers[pause.block_id, pause.iteration]
            async with self.services.store.unit(row.workspace_id) as unit:
                await pauses.resume(unit, self.services, row.id, pause.id, given, -1)

    async def finish(self, row: Execution) -> Execution:
        for _ in range(8):
            assert await self.attempt() == 0
            await self.go_on(row)
            row = await get(self.services, row)
            if row.status in TERMINAL:
                return row
        raise AssertionError(f"the run stays {row.status}")

    @property
    def starts(self) -> Counter[str]:
        return Counter(asked.path for asked in self.counter.asked)

    async def written(self) -> set[str]:
        """Return the places whose end is written, over all runs there are, as they are counted."""
        async with self.services.store.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    "SELECT execution_id, block_id, iteration FROM block_logs "
                    "WHERE status <> 'skipped'"
                )
            )
        return {"/" + "/".join(row) for row in rows}

    async def check(self, row: Execution, whole: Undisturbed) -> None:
        """The run ended as the undisturbed one did; its log has one beginning and one end."""
        assert (row.status, row.output) == ("completed", whole.output)
        assert sorted(await logged(self.services, row)) == whole.rows
        # As readers get it: a log that lacks its end, since its writer died, is completed for them.
        events = follow(self.services.events, self.services.store.unit, row, 0)
        types = Counter([event.data["type"] async for event in events if event is not None])
        assert types["execution:started"] == 1
        assert sum(types[kind] for kind in _LAST) == 1
        ends = types["block:completed"] + types["block:error"] + types["block:skipped"]
        assert ends == len(whole.rows)


@dataclass
class Undisturbed:
    output: Any
    rows: list[tuple[str, str, str]]
    writes: int


async def _undisturbed(trial: Trial) -> Undisturbed:
    row = await trial.finish(await trial.begin())
    assert row.output == trial.shape.output
    assert set(trial.starts.values()) == {1}
    rows = sorted(await logged(trial.services, row))
    async with trial.services.store.engine.connect() as connection:
        writes = await connection.scalar(text("SELECT count(*) FROM block_logs"))
    return Undisturbed(row.output, rows, int(writes or 0))


@pytest.fixture
async def trial_of(
    warm: Warm, counter: StandIn, services: Services, owner: Owner
) -> AsyncIterator[Any]:
    echo = definition([block("t", template="<start.x>!")], "s>t")
    async with services.store.unit(owner.workspace_id) as unit:
        unit.workflows.add(Workflow(id="wf_echo", name="Echo", definition={"loops": {}, **echo}))

    def make(name: str) -> Trial:
        return Trial(SHAPES[name], warm, counter, services, owner)

    yield make


@pytest.mark.parametrize("name", SHAPES)
async def test_the_process_ends_at_every_boundary(name: str, trial_of: Any) -> None:
    trial: Trial = trial_of(name)
    whole = await _undisturbed(trial)
    for number in range(1, whole.writes + 1):
        for point in ("before", "after"):
            row = await trial.begin()
            before = len(await trial.written())
            code = 0
            while code != ENDED and (await get(trial.services, row)).status not in TERMINAL:
                done = await _count(trial, row)
                code = await trial.attempt(end_at=number - done, point=point)
                if code != ENDED:
                    await trial.go_on(row)
            assert code == ENDED, (number, point)
            finished, starts = await trial.written(), trial.starts
            assert len(finished) >= before
            await trial.check(await trial.finish(row), whole)
            for place in finished & starts.keys():
                assert trial.starts[place] == 1, (number, point, place)
            assert max(trial.starts.values()) <= 2


async def _count(trial: Trial, row: Execution) -> int:
    """Return how many blocks of a run, and of those it runs, are written."""
    async with trial.services.store.engine.connect() as connection:
        count = await connection.scalar(
            text(
                "SELECT count(*) FROM block_logs b JOIN executions e ON e.id = b.execution_id "
                "WHERE e.id = :id OR e.parent_id = :id"
            ),
            {"id": row.id},
        )
    return int(count or 0)


@pytest.mark.parametrize("name", KILLED)
async def test_the_process_is_killed_at_random_times(name: str, trial_of: Any) -> None:
    trial: Trial = trial_of(name)
    whole = await _undisturbed(trial)
    lot = random.Random(name)
    for _ in range(KILLS):
        row = await trial.begin()
        await trial.attempt(kill_after=lot.uniform(0.01, 0.4))
        finished, starts = await trial.written(), trial.starts
        await trial.go_on(row)
        row = await get(trial.services, row)
        row = row if row.status in TERMINAL else await trial.finish(row)
        await trial.check(row, whole)
        for place in finished & starts.keys():
            assert trial.starts[place] == 1, place

"""Large values of blocks lie in blobs, and nobody who reads them notices."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from core.removal import sweep_blobs
from core.services import Services
from core.store.base import now
from core.store.block_logs import BlockLog
from core.store.executions import Execution
from pipelines.large_values import LARGE, bring_back
from pipelines.level import Extent
from tests.conftest import Owner
from tests.pipelines.running import add_workflow, begin, drive, finished, start
from tests.pipelines.shapes import block, definition

BIG = "ä" * LARGE
SHAPE = definition(
    [block("big", template=BIG + "{{KEY}}"), block("again", template="<big.text>!"), block("z")],
    "s>big big>again again>z",
)
SHOWN = BIG + "{{KEY}}"


async def _rows(services: Services, run: Execution) -> dict[str, BlockLog]:
    async with services.store.unit(run.workspace_id) as unit:
        return {row.block_id: row for row in await unit.block_logs.of(run.id)}


async def _blobs(services: Services) -> list[str]:
    """Return the content of every blob there is."""
    keys = [key async for key in services.blobs.keys_before(now() + timedelta(days=1))]
    return [b"".join([p async for p in services.blobs.read(key)]).decode() for key in keys]


async def _with_secret(services: Services, owner: Owner) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.secrets.put("KEY", services.sealer.seal("hush-hush"))


async def test_rows_are_small_and_read_whole(services: Services, owner: Owner) -> None:
    await _with_secret(services, owner)
    run = await begin(services, owner, SHAPE)
    assert (run.status, run.output) == ("completed", {"text": "z"})
    rows = await _rows(services, run)
    assert [(row.values_key is not None, row.output is None) for row in rows.values()] == [
        (False, False),
        (True, True),
        (True, True),
        (False, False),
    ]
    await bring_back(services.blobs, list(rows.values()))
    assert rows["big"].output == {"text": SHOWN}
    assert rows["again"].output == {"text": f"{SHOWN}!"}
    contents = await _blobs(services)
    assert len(contents) == 2
    assert not any("hush-hush" in content for content in contents)


async def test_a_run_goes_on_with_them(services: Services, owner: Owner) -> None:
    """What comes back is the true value, not the masked one; the blob goes with the last run."""
    await _with_secret(services, owner)
    asks = {"id": "yes", "title": "", "value": '<big.text> endsWith "hush-hush"'}
    shape = definition(
        [
            block("big", template=BIG + "{{KEY}}"),
            block("c", "condition", conditions=[asks]),
            block("y", template="true value"),
        ],
        "s>big big>c c:condition-yes>y",
    )
    workflow = await add_workflow(services, owner, shape)
    first = await start(services, owner, workflow, extent=Extent(stop_after_block_id="big"))
    await drive(services)
    again = await start(services, owner, workflow, from_execution_id=first.id)
    await drive(services)
    assert (await finished(services, again)).output == {"text": "true value"}
    keys = {(await _rows(services, run))["big"].values_key for run in (first, again)}
    assert len(keys) == 1
    for run, left in ((first, 1), (again, 0)):
        async with services.store.engine.begin() as connection:
            await connection.execute(text("DELETE FROM executions WHERE id = :id"), {"id": run.id})
        await sweep_blobs(services, timedelta(seconds=-60))
        assert len(await _blobs(services)) == left

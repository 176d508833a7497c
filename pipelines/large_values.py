"""Values of blocks that are too large for a row: kept in a blob, and read back with the row.

The column that names the blob is one that ``core.removal`` knows: a blob that no row names any
more, since its run was deleted, goes with the next sweep. Rows that another run took over name the
same blob.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from core.blobs import Blobs
from core.store.block_logs import BlockLog

LARGE: Final = 256 * 1024  # characters of JSON that a row's values may have together
_VALUES: Final = ("input", "output", "sealed_output")
_MOST_AT_ONCE: Final = 8  # blobs read side by side
_NO_LIMIT: Final = 2**63 - 1  # a block's values were let into memory before


async def set_aside(blobs: Blobs, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row to be written as it fits: large values are in a blob then, already written.

    They are as the row would have them: masked, and sealed where they hold secrets.
    """
    values = {name: row[name] for name in _VALUES}
    text = json.dumps(values)
    if len(text) <= LARGE:
        return row
    stored = await blobs.put(_one(text.encode()), _NO_LIMIT)
    return {**row, **dict.fromkeys(_VALUES), "values_key": stored.key}


async def bring_back(blobs: Blobs, rows: Sequence[BlockLog]) -> None:
    """Read the values of rows that have theirs in a blob; outside a transaction.

    Raises ``NotFound`` where storage has lost one.
    """
    slots = asyncio.Semaphore(_MOST_AT_ONCE)

    async def read(row: BlockLog, key: str) -> None:
        async with slots:
            text = b"".join([piece async for piece in blobs.read(key)])
        for name, value in json.loads(text).items():
            setattr(row, name, value)

    await asyncio.gather(*(read(row, row.values_key) for row in rows if row.values_key))


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data

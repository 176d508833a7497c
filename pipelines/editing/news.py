"""Who has workflows open hears that one has changed; what has changed, the log says.

A call can be lost: whoever listens also looks at the versions from time to time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.services import Services
from core.store.unit import Unit
from core.store.workflows import Workflow

CHANNEL: Final = "nuxa:workflows"


@dataclass(frozen=True)
class News:
    """A workflow that has changed; ``version`` is that of its record, which a mere change of its
    document leaves as it was."""

    workflow_id: str
    version: int


def read(word: bytes) -> News:
    version, _, workflow_id = word.decode().partition(" ")
    return News(workflow_id, int(version))


def tell_after(services: Services, unit: Unit, row: Workflow) -> None:
    """Name a workflow to all processes, once the unit is committed."""
    word = f"{row.version} {row.id}"

    async def tell() -> None:
        await services.redis.publish(CHANNEL, word)

    unit.after_commit(tell)

"""Who has workflows open hears that one has changed; what has changed, the log says.

A call can be lost: whoever listens also looks at the versions from time to time.
"""

from __future__ import annotations

from typing import Final

from core.services import Services
from core.store.unit import Unit
from core.store.workflows import Workflow

CHANNEL: Final = "nuxa:workflows"


def tell_after(services: Services, unit: Unit, row: Workflow) -> None:
    """Name a workflow to all processes, once the unit is committed."""
    workflow_id = row.id

    async def tell() -> None:
        await services.redis.publish(CHANNEL, workflow_id)

    unit.after_commit(tell)

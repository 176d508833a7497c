"""In whose name a call from another service is answered, and whose call it counts as."""

from __future__ import annotations

from api import limits
from api.call import Call
from core.errors import Forbidden
from core.store.voice_configs import VoiceConfig


def refused(service: str) -> Forbidden:
    """Return the one answer to whoever is not the service that was set up."""
    return Forbidden(
        f"This is not signed as {service} signs for an account that is set up here: check the "
        "secret under /api/voice/config, and that NUXA_PUBLIC_URL is the address it calls."
    )


async def count_as(call: Call, config: VoiceConfig) -> None:
    """Count the call as the workspace's; raises ``Forbidden`` when who set voice up has left."""
    async with call.services.store.system() as system:
        seat = await system.workspaces.seat(config.updated_by, config.workspace_id)
    if seat is None:
        raise Forbidden("Who set voice up has left the workspace: an admin must save it again.")
    redis = call.services.redis
    await limits.take_back(redis, call.budget)
    call.budget = await limits.spend_workspace(redis, seat.workspace)
    call.budget.check()

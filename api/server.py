"""One API process: uvicorn on the application, no sooner than the schema is current."""

from __future__ import annotations

import asyncio
from typing import Any

from api.addresses import awaited
from core.config import Settings, forbid_phoning_home
from core.migrations import wait_until_current
from core.services import NotConfigured

_SCHEMA_SECONDS = 120


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises NotConfigured without servers' addresses."""
    forbid_phoning_home(settings)
    # Slow imports come first: meanwhile the launcher starts the servers and brings the schema up to
    # date.
    import uvicorn

    from api.app import create_app
    from api.sockets.server import LARGEST_PACKET

    settings = awaited(settings)
    if settings.database_url is None:
        raise NotConfigured("Set NUXA_DATABASE_URL, or start with `make run`, which brings one.")
    asyncio.run(wait_until_current(settings.database_url, _SCHEMA_SECONDS))
    uvicorn.run(
        create_app,
        factory=True,
        host=settings.host,
        port=settings.port,
        ws_max_size=LARGEST_PACKET,
        ws_per_message_deflate=False,  # an edit would be compressed for each of its readers: ADR 26
        **uvicorn_options(settings.log_level),
    )


def uvicorn_options(log_level: str) -> dict[str, Any]:
    """Return how uvicorn serves, whatever it serves."""
    return {
        "log_level": log_level.lower(),
        "access_log": False,
        "timeout_graceful_shutdown": 5,
        "server_header": False,
    }

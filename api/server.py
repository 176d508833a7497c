"""One API process: uvicorn on the application, no sooner than the schema is current."""

from __future__ import annotations

import asyncio
import os
import resource
from typing import Any, Final

import structlog

from api.addresses import awaited
from api.client_address import TrustedProxies
from core.config import Settings, forbid_phoning_home, split_list
from core.embedded.process import PRIVATE_UMASK
from core.migrations import wait_until_current
from core.sandbox.guest import describe_missing_confinement
from core.services import NotConfigured

_SCHEMA_SECONDS = 120
_OPEN_FILES: Final = 65_536  # a chat that is streamed holds three: its client, its log, its model


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises NotConfigured without servers' addresses."""
    forbid_phoning_home(settings)
    os.umask(PRIVATE_UMASK)
    allow_open_files()
    if missing := describe_missing_confinement():
        structlog.get_logger(__name__).warning("confinement_incomplete", reason=missing)
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
        **connection_options(settings),
    )


def allow_open_files() -> None:
    """Let this process open as many files and sockets as it may; shells begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def uvicorn_options(log_level: str) -> dict[str, Any]:
    """Return how uvicorn serves, whatever it serves."""
    return {
        "log_level": log_level.lower(),
        "access_log": False,
        "timeout_graceful_shutdown": 5,
        "server_header": False,
        "proxy_headers": False,  # uvicorn's own way believes whoever calls from loopback
    }


def connection_options(settings: Settings) -> dict[str, Any]:
    """Return the limits on connections of the API's server."""
    from api.connections import make_http_protocol

    proxies = TrustedProxies(split_list(settings.trusted_proxies), settings.forwarded_header)
    return {
        "limit_concurrency": settings.max_connections,
        "http": make_http_protocol(
            settings.head_timeout_seconds, settings.max_connections_per_address, proxies.is_trusted
        ),
    }

"""The HTTP door as one ASGI application."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from importlib import import_module
from typing import Any, Final

import structlog
from hypercorn.typing import Scope
from quart import Quart, Response, g, request

from api import afterwards, errors, limits, metrics
from api.endpoint import ENDPOINTS
from api.framework import StreamedConnection, StreamedRequest
from api.serve import make_view, respond
from api.sockets.server import Sockets
from api.voice import stream
from api.warmth import warmth
from copilot import offline, turn
from copilot.voice import holding
from core import tracing
from core.config import Settings, forbid_phoning_home, get_settings
from core.ids import new_id
from core.logs import configure_logs
from core.services import Services, open_services
from pipelines import background

SLICES: Final = (
    "api.health",
    "api.metrics",
    "api.openapi.routes",
    "api.auth.routes",
    "api.auth.providers",
    "api.auth.sessions",
    "api.auth.socket_tokens",
    "api.auth.token_routes",
    "api.auth.keys",
    "api.users",
    "api.workspaces.routes",
    "api.workspaces.members",
    "api.workspaces.secrets",
    "api.workspaces.audit",
    "api.workspaces.usage",
    "api.workspaces.providers",
    "api.files.routes",
    "api.files.processing",
    "api.artifacts.routes",
    "api.tools",
    "api.knowledge.bases",
    "api.knowledge.documents",
    "api.knowledge.chunks",
    "api.knowledge.search",
    "api.blocks",
    "api.templates",
    "api.workflows.routes",
    "api.workflows.editing.joining",
    "api.workflows.editing.edits",
    "api.workflows.editing.sharing",
    "api.workflows.imports",
    "api.workflows.versions",
    "api.workflows.pauses",
    "api.workflows.runs",
    "api.workflows.schedule",
    "api.workflows.webhook_settings",
    "api.workflows.webhooks",
    "api.logs.stats",
    "api.logs.export",
    "api.logs.routes",
    "api.copilot.routes",
    "api.copilot.chats",
    "api.copilot.live",
    "api.copilot.tools",
    "api.voice.config",
    "api.voice.sessions",
    "api.voice.twilio",
    "api.voice.daily",
    "api.voice.audio",
    "api.v1.chat",
    "api.v1.embeddings",
)
_MAIL_SECONDS: Final = 5.0
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
log = structlog.get_logger("api")


class Api(Quart):
    """Quart with our handling of bodies; ``services`` is open between start and stop."""

    asgi_http_class = StreamedConnection
    request_class = StreamedRequest
    services: Services
    sockets: Sockets

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if self.sockets.takes(scope):
            await self.sockets(scope, receive, send)
        elif stream.takes(scope):
            await stream.serve(self.services, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> Api:
    """Return the ASGI application; raises ``RuntimeError`` for a route without a declared rule.

    Serve it with uvicorn, lifespan on. One process, one port, never ``--workers``.
    """
    settings = settings or get_settings()
    forbid_phoning_home(settings)
    configure_logs(settings)
    offline.register()
    app = Api(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # no CORS
    app.config["MAX_CONTENT_LENGTH"] = None  # each way of reading a body has a limit of its own
    app.url_map.merge_slashes = False
    app.sockets = Sockets(lambda: app.services)
    _add_routes(app)
    _add_hooks(app)
    _add_lifespan(app, settings)
    return app


def _add_routes(app: Api) -> None:
    for name in SLICES:
        import_module(name)
    for route in ENDPOINTS:
        view = make_view(route, lambda: app.services)
        app.add_url_rule(route.path, route.name, view, methods=[route.method])
    undeclared = {rule.endpoint for rule in app.url_map.iter_rules()} - {e.name for e in ENDPOINTS}
    if undeclared:
        raise RuntimeError(f"routes without a declared rule: {sorted(undeclared)}")


def _add_hooks(app: Api) -> None:
    @app.before_request
    async def begin() -> None:
        asked = request.headers.get("X-Request-Id", "")
        g.request_id = asked if _REQUEST_ID.fullmatch(asked) else new_id("req")
        g.started = time.monotonic()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        g.route = request.url_rule.rule if request.url_rule else "none"
        named = {"http.request.method": request.method, "http.route": g.route}
        above = {name: request.headers.get(name, "") for name in ("traceparent", "tracestate")}
        g.span = tracing.begin(f"{request.method} {g.route}", named, above)

    @app.errorhandler(Exception)
    async def fail(error: Exception) -> Response:
        return await respond(errors.answer(error, g.request_id), 500)

    @app.after_request
    async def finish(response: Response) -> Response:
        if "budget" not in g:  # refused before anybody was counted
            address = request.remote_addr or "unknown"
            g.budget = await limits.spend_anonymous(app.services, address)
        response.headers["X-Request-Id"] = g.request_id
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        for name, value in g.budget.headers().items():
            response.headers[name] = value
        seconds = time.monotonic() - g.started
        status = response.status_code
        metrics.count_request(request.method, g.route, status, seconds)
        g.span.end({"http.response.status_code": status}, is_error=status >= 500)
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=status,
            ms=round(seconds * 1000, 1),
        )
        return response


def _add_lifespan(app: Api, settings: Settings) -> None:
    @app.while_serving
    async def serving() -> AsyncGenerator[None, None]:
        async with open_services(settings) as services:
            app.services = services
            warming = asyncio.create_task(warmth.warm(settings))
            watching = asyncio.create_task(metrics.watch_event_loop())
            yield
            await app.sockets.close()
            await holding.stop_all()
            await background.stop_all()
            for task in (warming, watching):
                task.cancel()
            await asyncio.gather(warming, watching, return_exceptions=True)
            await turn.stop_all()
            await afterwards.finish(_MAIL_SECONDS)

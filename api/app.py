"""The HTTP door as one ASGI application."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import structlog
from quart import Quart, Request, Response, g, request

from api import afterwards, compression, cors, errors, limits, metrics
from api.client_address import TrustedProxies
from api.endpoint import ENDPOINTS
from api.request_body import get_body, serve_with_body
from api.serve import make_view, respond
from api.sockets.server import Sockets
from api.voice import stream
from api.warmth import warmth
from copilot import offline, turn
from copilot.voice import holding
from core import free_memory, tracing
from core.config import Settings, forbid_phoning_home, get_settings, split_list
from core.errors import NuxaError
from core.ids import new_id
from core.logs import configure_logs
from core.services import Services, open_services
from pipelines import background

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SLICES: Final = (
    "api.health",
    "api.metrics",
    "api.openapi.routes",
    "api.auth.routes",
    "api.auth.providers",
    "api.auth.emails",
    "api.auth.totp",
    "api.auth.passkeys",
    "api.auth.sessions",
    "api.auth.grants",
    "api.auth.socket_tokens",
    "api.auth.token_routes",
    "api.auth.keys",
    "api.users",
    "api.account_deletion",
    "api.workspaces.routes",
    "api.workspaces.members",
    "api.workspaces.invitations",
    "api.workspaces.secrets",
    "api.workspaces.subscriptions",
    "api.workspaces.audit",
    "api.workspaces.usage",
    "api.workspaces.providers",
    "api.files.routes",
    "api.files.processing",
    "api.artifacts.routes",
    "api.tools",
    "api.tool_sources",
    "api.knowledge.bases",
    "api.knowledge.documents",
    "api.knowledge.content",
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
    "api.workflows.mail",
    "api.workflows.chat",
    "api.workflows.webhook_settings",
    "api.workflows.webhooks",
    "api.logs.stats",
    "api.logs.export",
    "api.logs.routes",
    "api.copilot.routes",
    "api.copilot.chats",
    "api.copilot.live",
    "api.copilot.tools",
    "api.copilot.decisions",
    "api.copilot.agents",
    "api.copilot.shared_agents",
    "api.mcp.routes",
    "api.voice.config",
    "api.voice.sessions",
    "api.voice.listening",
    "api.voice.twilio",
    "api.voice.daily",
    "api.voice.audio",
    "api.v1.chat",
    "api.v1.embeddings",
)
# Routes besides those of /api/auth whose answers hold a token that is shown once.
_GIVES_TOKEN: Final = frozenset(
    {
        ("POST", "/api/artifacts"),
        ("POST", "/api/copilot/agents/<agent_id>/share"),
        ("POST", "/api/voice/session"),
        ("POST", "/api/workspaces/<workspace_id>/invitations"),
        ("POST", "/api/workspaces/<workspace_id>/members"),
        ("POST", "/api/workspaces/<workspace_id>/subscriptions"),
    }
)
_TOKEN_IN_PATH: Final = re.compile("<(artifact|token)>")
_HSTS: Final = "max-age=31536000"  # a year, the least that browsers' preload lists ask for
_MAIL_SECONDS: Final = 5.0
_SMALL_BODY: Final = 65_536  # bytes
_REST_SECONDS: Final = 2.0
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
log = structlog.get_logger("api")


class Api(Quart):
    """Quart beside the sockets; ``services`` is open between start and stop."""

    services: Services
    sockets: Sockets
    proxies: TrustedProxies
    http: ASGIApp  # Quart's own application, behind the rules for other origins

    async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self.proxies.resolve(scope)
        if self.sockets.takes(scope):
            await self.sockets(scope, receive, send)
        elif stream.takes(scope):
            await stream.serve(self.services, receive, send)
        elif scope["type"] == "http":
            await self.http(scope, receive, send)
        else:
            await super().asgi_app(scope, receive, send)

    async def serve_http(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve what is no socket, as Quart does."""
        await serve_with_body(super().asgi_app, scope, receive, send)


def create_app(settings: Settings | None = None) -> Api:
    """Return the ASGI application; raises ``RuntimeError`` for a route without a declared rule.

    Serve it with uvicorn, lifespan on. One process, one port, never ``--workers``.
    """
    settings = settings or get_settings()
    forbid_phoning_home(settings)
    configure_logs(settings)
    offline.register()
    app = Api(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # preflights: api.cors
    app.config["MAX_CONTENT_LENGTH"] = None  # each way of reading a body has a limit of its own
    app.url_map.merge_slashes = False
    app.proxies = TrustedProxies(split_list(settings.trusted_proxies), settings.forwarded_header)
    app.http = cors.allow_origins(app.serve_http, settings)
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
        _begin(request)

    @app.errorhandler(Exception)
    async def explain(error: Exception) -> Response:
        """Answer in the form of the contract, whatever was raised."""
        return await respond(errors.answer(error, g.get("request_id", "")), 500)

    @app.after_request
    async def finish(response: Response) -> Response:
        if "budget" not in g:  # refused before anybody was counted
            g.budget = await limits.spend_anonymous(app.services, request.remote_addr or "unknown")
        await _take_small_rest(request)
        _finish(request, response, app.services.settings)
        await compression.compress_json(request, response)
        return response


def _begin(asked: Request) -> None:
    """Note in the request's ``g`` when it began, what it is called, and its span."""
    get_body(asked.scope).add_task(asyncio.current_task())
    named = asked.headers.get("X-Request-Id", "")
    g.request_id = named if _REQUEST_ID.fullmatch(named) else new_id("req")
    g.started = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    g.route = asked.url_rule.rule if asked.url_rule else "none"
    g.span = tracing.of_request(asked.method, g.route, asked.headers)


async def _take_small_rest(asked: Request) -> None:
    """Take in a small body that a refusal did not wait for.

    Closed while it arrives, the connection would be reset, and the client may lose the answer.
    """
    body = get_body(asked.scope)
    is_small = (asked.content_length or _SMALL_BODY + 1) <= _SMALL_BODY
    if body.is_whole or not is_small:
        return
    with suppress(TimeoutError, NuxaError):
        async with asyncio.timeout(_REST_SECONDS):
            async for _ in body:
                pass


def _finish(asked: Request, response: Response, settings: Settings) -> None:
    """Give an answer the headers of every answer; count and log it."""
    headers, status = response.headers, response.status_code
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if g.route.startswith("/api/auth/") or (asked.method, g.route) in _GIVES_TOKEN:
        headers.setdefault("Cache-Control", "no-store")
    if settings.environment == "production" and settings.base_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", _HSTS)
    # Nobody else sets these; to look for each first would cost more than all of them.
    headers.extend({"X-Request-Id": g.request_id, **g.budget.headers()})
    if not get_body(asked.scope).is_whole:
        headers.setdefault("Connection", "close")  # the rest of the body is not waited for
    seconds = time.monotonic() - g.started
    metrics.count_request(asked.method, g.route, status, seconds)
    g.span.end({"http.response.status_code": status}, is_error=status >= 500)
    ms = round(seconds * 1000, 1)
    # The rule in place of a path that has a token in it: logs persist.
    path = g.route if _TOKEN_IN_PATH.search(g.route) else asked.path
    log.info("request", method=asked.method, path=path, status=status, ms=ms)


def _add_lifespan(app: Api, settings: Settings) -> None:
    @app.while_serving
    async def serving() -> AsyncGenerator[None, None]:
        async with open_services(settings) as services:
            app.services = services
            warming = asyncio.create_task(warmth.warm(settings))
            always = [
                asyncio.create_task(metrics.watch_event_loop()),
                asyncio.create_task(free_memory.keep_giving_back()),
            ]
            yield
            await app.sockets.close()
            await holding.stop_all()
            await background.stop_all()
            for task in (warming, *always):
                task.cancel()
            await asyncio.gather(warming, *always, return_exceptions=True)
            await turn.stop_all()
            await afterwards.finish(_MAIL_SECONDS)

"""The HTTP door as one ASGI application."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, cast

import structlog
from hypercorn.typing import Scope
from quart import Quart, Request, Response, g
from quart.ctx import RequestContext
from quart.globals import request_ctx
from quart.sessions import NullSession, SessionInterface

from api import afterwards, compression, cors, errors, limits, metrics
from api.client_address import TrustedProxies
from api.endpoint import ENDPOINTS
from api.framework import StreamedConnection, StreamedRequest, WaitingBody
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


class _NoSessions(SessionInterface):
    """Quart's sessions are not used: who calls is found by ``api.identity``."""

    _none: Final = NullSession()

    async def open_session(self, *_: object) -> NullSession:
        return self._none


class Api(Quart):
    """Quart with our handling of bodies; ``services`` is open between start and stop."""

    asgi_http_class = StreamedConnection
    request_class = StreamedRequest
    session_interface: Any = _NoSessions()
    services: Services
    sockets: Sockets
    proxies: TrustedProxies
    http: Any  # Quart's own application, behind the rules for other origins

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = cast(Scope, self.proxies.resolve(cast(dict[str, Any], scope)))
        if self.sockets.takes(scope):
            await self.sockets(scope, receive, send)
        elif stream.takes(scope):
            await stream.serve(self.services, receive, send)
        else:
            await self.http(scope, receive, send)

    async def serve_http(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve what is no socket, as Quart does."""
        await super().__call__(scope, receive, send)

    async def full_dispatch_request(self, context: RequestContext | None = None) -> Response:
        """Answer one request: what Quart does around a view, without its hooks and signals."""
        asked, kept = (context or request_ctx).request, g._get_current_object()
        _begin(asked, kept)
        try:
            response: Any = await self.dispatch_request(context)  # what our views return
        # Explained or logged there: a client always gets an answer in the form of the contract.
        except Exception as error:  # noqa: BLE001
            response = await respond(errors.answer(error, kept.request_id), 500)
        if "budget" not in kept:  # refused before anybody was counted
            address = asked.remote_addr or "unknown"
            kept.budget = await limits.spend_anonymous(self.services, address)
        await _take_small_rest(asked)
        finished = _finished(asked, kept, response, self.services.settings)
        await compression.compress_json(asked, finished)
        return finished

    def ensure_async(self, func: Any) -> Any:
        """Return a function as it is: all of ours are asynchronous."""
        return func

    async def do_teardown_request(self, *_: object) -> None:
        """Do nothing: nothing is registered for it."""


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


def _begin(asked: Request, kept: Any) -> None:
    """Note in the request's ``g`` when it began, what it is called, and its span."""
    named = asked.headers.get("X-Request-Id", "")
    kept.request_id = named if _REQUEST_ID.fullmatch(named) else new_id("req")
    kept.started = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=kept.request_id)
    kept.route = asked.url_rule.rule if asked.url_rule else "none"
    kept.span = tracing.of_request(asked.method, kept.route, asked.headers)


async def _take_small_rest(asked: Request) -> None:
    """Take in a small body that a refusal did not wait for.

    Closed while it arrives, the connection would be reset, and the client may lose the answer.
    """
    body = asked.body
    is_small = (asked.content_length or _SMALL_BODY + 1) <= _SMALL_BODY
    if not isinstance(body, WaitingBody) or body.is_whole or not is_small:
        return
    with suppress(TimeoutError, NuxaError):
        async with asyncio.timeout(_REST_SECONDS):
            async for _ in body:
                pass


def _finished(asked: Request, kept: Any, response: Response, settings: Settings) -> Response:
    """Return an answer with the headers of every answer, counted and logged."""
    headers, status = response.headers, response.status_code
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if kept.route.startswith("/api/auth/") or (asked.method, kept.route) in _GIVES_TOKEN:
        headers.setdefault("Cache-Control", "no-store")
    if settings.environment == "production" and settings.base_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", _HSTS)
    # Nobody else sets these; to look for each first would cost more than all of them.
    headers.extend({"X-Request-Id": kept.request_id, **kept.budget.headers()})
    if isinstance(asked.body, WaitingBody) and not asked.body.is_whole:
        headers.setdefault("Connection", "close")  # the rest of the body is not waited for
    seconds = time.monotonic() - kept.started
    metrics.count_request(asked.method, kept.route, status, seconds)
    kept.span.end({"http.response.status_code": status}, is_error=status >= 500)
    ms = round(seconds * 1000, 1)
    # The rule in place of a path that has a token in it: logs persist.
    path = kept.route if _TOKEN_IN_PATH.search(kept.route) else asked.path
    log.info("request", method=asked.method, path=path, status=status, ms=ms)
    return response


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

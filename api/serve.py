"""From a row of the table of routes to what Quart calls: admit, check, run, commit, render."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import pydantic_core
import structlog
from pydantic.alias_generators import to_camel
from quart import Request, Response, g, request

from api import access, idempotency, limits, origin
from api.call import Call, Facts, Reply
from api.endpoint import Endpoint
from api.idempotency import Claim
from api.identity import caller_of
from api.reading import checked, query_data, read_form, read_json
from api.reauthorization import require_rights, stream_while_allowed
from api.request_body import get_body
from api.workspace_location import locate_workspace
from core import redis_names
from core.errors import NotFound, Unauthorized, UnsupportedMediaType, ValidationFailed, issue
from core.services import Services

View = Callable[..., Awaitable[Response]]
PUBLIC_BODY_BYTES: Final = 64 * 1024


def make_view(route: Endpoint, services: Callable[[], Services]) -> View:
    """Return the function that the framework calls for a route."""

    async def view(**path: str) -> Response:
        call = Call(services(), _facts(request), g.request_id)
        if any("\x00" in value for value in path.values()):
            raise NotFound("There is no such thing.")
        query = {} if route.raw else query_data(route.query, call.request.query)
        wanted = _workspace_named(route, path.get("workspace_id"), query)
        await _admit(route, call, wanted)
        given = await _read(route, call)
        named_in_body = _workspace_named(route, wanted, given or {})
        if named_in_body is None:
            named_in_body = await _located(call, path, query, given or {})
        if named_in_body != wanted:
            await _move(route, call, named_in_body)
        if call.known is not None:
            access.authorize(call.known, route.access, route.domain)
        arguments = _arguments(route, call, path, query, given)
        try:
            return await _answer(route, call, given, arguments)
        finally:
            g.budget = call.budget

    return view


def _facts(asked: Request) -> Facts:
    return Facts(
        method=asked.method,
        path=asked.path,
        query=dict(asked.args.lists()) if asked.query_string else {},
        query_string=asked.query_string.decode("latin-1"),
        headers=asked.headers,
        address=asked.remote_addr or "unknown",
        scheme=asked.scheme,
        cookies=asked.cookies,
        body=get_body(asked.scope),
    )


def credentials_of(facts: Facts) -> access.Credentials:
    """Return what the request carries to say who it is from."""
    scheme, _, token = facts.headers.get("Authorization", "").partition(" ")
    return access.Credentials(
        api_key=facts.headers.get("X-Api-Key"),
        bearer=token.strip() if scheme.lower() == "bearer" else None,
        cookie=facts.cookies.get(access.SESSION_COOKIE),
    )


def _workspace_named(route: Endpoint, so_far: str | None, fields: dict[str, Any]) -> str | None:
    """Take ``workspaceId`` out of query or body; return it, else what was named so far."""
    if route.access.is_public:
        return None
    named = fields.pop("workspaceId", None)
    if named is None:
        return so_far
    if not isinstance(named, str) or so_far not in (None, named):
        raise ValidationFailed("workspaceId must be a text, and the same wherever it stands.")
    return named


async def _admit(route: Endpoint, call: Call, wanted: str | None) -> None:
    """Find out who calls in which workspace, and count the call."""
    credentials = credentials_of(call.request)
    if credentials.is_cookie_only:
        origin.check(call.request, call.services.settings)
    if not route.access.is_public:
        try:
            call.known = await caller_of(call.services, credentials, wanted)
        except Unauthorized:  # who shows wrong credentials is nobody, and counted as such
            g.budget = await limits.spend_anonymous(call.services, call.request.address)
            g.budget.check()
            raise
        seat = call.known.seat
        structlog.contextvars.bind_contextvars(
            user_id=call.known.user_id, workspace_id=seat and seat.workspace.id
        )
    g.budget = call.budget = await _budget(route, call)
    g.budget.check()


async def _move(route: Endpoint, call: Call, wanted: str | None) -> None:
    """Admit a caller who names another workspace in the body; the call counts there alone."""
    if call.known and call.known.seat and call.known.seat.workspace.id == wanted:
        return
    counted = call.budget
    await _admit(route, call, wanted)
    await limits.take_back(call.services.redis, counted)


async def _located(call: Call, path: Mapping[str, str], *fields: Mapping[str, Any]) -> str | None:
    """Return the workspace that the ids of a request are in; the path's ids come first."""
    if call.known is None:
        return None
    in_path = {to_camel(name): value for name, value in path.items()}
    seat = call.known.seat
    default = seat.workspace.id if seat else None
    return await locate_workspace(call.services, call.known.identity, (in_path, *fields), default)


async def _read(route: Endpoint, call: Call) -> dict[str, Any] | None:
    """Return the JSON of the request; ``None`` where the route reads a multipart body itself."""
    if not (route.multipart or route.body) and (route.raw or route.method in ("GET", "DELETE")):
        return {}
    facts = call.request
    content_type = facts.headers.get("Content-Type", "")
    if route.multipart and content_type.lower().startswith("multipart/form-data"):
        return None
    if route.multipart and route.body is None:
        raise UnsupportedMediaType("Send the file as multipart/form-data, in the field file.")
    if route.raw or route.method == "GET" or (route.body is None and route.method == "DELETE"):
        return {}
    limit = call.services.settings.max_body_bytes
    if route.access.is_public:
        limit = min(limit, PUBLIC_BODY_BYTES)
    if route.form and content_type.lower().startswith("application/x-www-form-urlencoded"):
        return await read_form(facts.headers, facts.body, limit)
    return await read_json(facts.headers, facts.body, limit)


async def _budget(route: Endpoint, call: Call) -> limits.Budget:
    if not route.counted:
        return limits.unlimited()
    redis, settings = call.services.redis, call.services.settings
    if call.known is not None and call.known.seat is not None:
        return await limits.spend_workspace(redis, call.seat.workspace)
    user_id, address = call.known and call.user_id, call.request.address_block
    key = redis_names.user_rate(user_id) if user_id else redis_names.address_rate(address)
    return await limits.spend(redis, key, settings.anonymous_requests_per_minute)


def _arguments(
    route: Endpoint,
    call: Call,
    path: Mapping[str, str],
    query: Mapping[str, Any],
    body: Mapping[str, Any] | None,
) -> dict[str, object]:
    arguments: dict[str, object] = {"call": call, **path}
    if route.query is not None:
        arguments["query"] = checked(route.query, query)
    elif query:
        raise _unknown(query, "query field")
    if route.body is not None:
        arguments["body"] = None if body is None else checked(route.body, body)
    elif body:
        raise _unknown(body, "body field")
    return {name: value for name, value in arguments.items() if name in route.wants}


def _unknown(fields: Mapping[str, Any], kind: str) -> ValidationFailed:
    issues = [issue(name, f"This call has no such {kind}.", "extra_forbidden") for name in fields]
    return ValidationFailed(f"Leave away: {', '.join(fields)}.", {"issues": issues})


async def _answer(
    route: Endpoint, call: Call, given: dict[str, Any] | None, arguments: dict[str, object]
) -> Response:
    """Do what is asked for, but not what the same Idempotency-Key has done before."""
    claim = await idempotency.claim(route, call, given)
    if claim is None:
        return await _run(route, call, arguments, None)
    if claim.answer is not None:
        return await respond(claim.answer, route.status)
    call.once_id, call.is_repeat = claim.once_id, claim.is_repeat
    async with idempotency.held(call, claim):
        return await _run(route, call, arguments, claim)


async def _run(
    route: Endpoint, call: Call, arguments: dict[str, object], claim: Claim | None
) -> Response:
    if call.known is not None:
        rule = (call.known, route.access, route.domain)
        call.check_rights = partial(require_rights, call.services, *rule)
    if call.known is None or call.known.seat is None:
        response = await respond(await _handled(route, call, arguments), route.status)
        await _keep(call, claim, response)
        return response
    async with call.services.store.unit(call.workspace_id) as unit:
        call.opened = unit
        response = await respond(await _handled(route, call, arguments), route.status)
        await _keep(call, claim, response)
    return response


async def _handled(route: Endpoint, call: Call, arguments: dict[str, object]) -> object:
    """Return what the route's function does; a stream of it ends with the caller's rights."""
    result = await route.handler(**arguments)
    if isinstance(result, Reply) and result.stream is not None and call.check_rights is not None:
        result.stream = stream_while_allowed(call.check_rights, result.stream)
    return result


async def _keep(call: Call, claim: Claim | None, response: Response) -> None:
    if claim is None:
        return
    is_stream = response.timeout is None
    body = None if is_stream else await response.get_data(as_text=False)
    answered = idempotency.Answered(response.status_code, dict(response.headers), body)
    await idempotency.keep(call, claim, answered, call.opened)


async def respond(result: object, status: int) -> Response:
    """Return a slice's answer as the framework's."""
    reply = result if isinstance(result, Reply) else Reply(result)
    code = reply.status or status
    if reply.stream is not None and request.method == "HEAD":
        response = Response(b"", code)
    elif reply.stream is not None:
        response = Response(reply.stream, code)
        response.timeout = None  # a stream lasts as long as it lasts
    elif reply.content is not None:
        response = Response(reply.content, code)
    elif reply.body is None:
        response = Response(b"", 204 if reply.status is None and status == 200 else code)
        del response.headers["Content-Type"]
    else:
        json = pydantic_core.to_json(reply.body, by_alias=True)
        response = Response(json, code, content_type="application/json")
    for name, value in reply.headers.items():
        response.headers[name] = value
    for cookie in reply.cookies:
        response.headers.add("Set-Cookie", cookie)
    return response

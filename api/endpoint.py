"""The one decorator that makes a function a route.

    @endpoint("PATCH", "/api/knowledge/<base_id>", access=WRITE)
    async def rename(call: Call, base_id: str, body: RenameBase) -> BaseAnswer:
        base = found(await call.unit.bases.get(base_id), "knowledge base")
        base.name = body.name
        return BaseAnswer.model_validate(base)

The function asks by parameter name: ``call``, the path's variables, ``body`` (a :class:`Wire`
model, from JSON) and ``query`` (a Wire model, from the query string). Before it runs, the caller
is known, let in by ``access`` and counted, body and query are checked, and ``call.unit`` is a
transaction in the caller's workspace. After it, that is committed, then the answer is sent: a
model, a dict, a list, a :class:`Reply` (status, headers, stream), or ``None`` for 204. Errors are
raised: any ``NuxaError`` rolls back and is rendered.

What the function returns, and its docstring, also describe the route in ``/api/openapi.json``.
A function that returns a ``Reply`` or a plain dict says with ``answers`` what is in it.

``workspaceId``, in query or body, picks the caller's workspace and never reaches the models; a
path's ``<workspace_id>`` does too. A multipart route (``multipart=True``) gets ``body=None`` for
multipart requests and reads ``call.request.body`` itself (``api.uploads``); a raw one
(``raw=True``) takes whatever body and query somebody else's program sends, and reads both itself.
Write a slice as a module of such functions and name it in ``api.app.SLICES``.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict, TypeVar, Unpack

from pydantic import BaseModel

from api.access import Access
from api.call import Reply
from core.errors import NuxaError

Handler = Callable[..., Awaitable[object]]
H = TypeVar("H", bound=Handler)
Status = int | Literal["default"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Media:
    """An answer that is not JSON: its media type, and where it is a stream, its events' type."""

    type: str
    event: object = None


@dataclass(frozen=True)
class Endpoint:
    """One row of the table of routes: all that serving it and describing it takes.

    ``answers`` holds by status what is in an answer: a type, a ``Media``, or a tuple of them;
    ``"default"`` stands for any other status.
    """

    method: Method
    path: str
    access: Access
    handler: Handler
    status: int
    multipart: bool
    form: bool
    raw: bool
    counted: bool
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    wants: frozenset[str] = field(repr=False)
    answers: Mapping[Status, object] = field(default_factory=dict)
    errors: Sequence[type[NuxaError]] = ()
    headers: Sequence[str] = ()
    gives: Mapping[Status, Sequence[str]] = field(default_factory=dict)
    form_fields: Sequence[str] = ()

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether a repeat of a call is known by its ``Idempotency-Key``."""
        return self.method == "POST" and not self.access.is_public

    @property
    def domain(self) -> str:
        """The part of the API it belongs to, which a key's scope may name."""
        return self.path.removeprefix("/api/").removeprefix("v1/").split("/")[0]

    @property
    def tag(self) -> str:
        """The chapter of the description that it stands in."""
        if self.path.startswith("/api/v1/"):
            return "v1"
        chapter = self.domain or self.path.strip("/").split("/")[0]
        return "openapi" if chapter in ("api-docs", "openapi.json") else chapter


class Described(TypedDict, total=False):
    """What a description says of a route beyond what serving it takes.

    ``answers`` by status, unless the return annotation says it; ``errors`` beside those that any
    such route can give; ``headers`` that the request may carry; ``gives``, by status, headers that
    the answer carries beside those of every answer; ``form_fields``, those beside ``file`` in a
    multipart body.
    """

    answers: Mapping[Status, object]
    errors: Sequence[type[NuxaError]]
    headers: Sequence[str]
    gives: Mapping[Status, Sequence[str]]
    form_fields: Sequence[str]


ENDPOINTS: Final[list[Endpoint]] = []


def endpoint(
    method: Method,
    path: str,
    *,
    access: Access,
    status: int = 200,
    multipart: bool = False,
    form: bool = False,
    raw: bool = False,
    counted: bool = True,
    recent_login: bool = False,
    **described: Unpack[Described],
) -> Callable[[H], H]:
    """Put a function into the table of routes, under one method and path; may be stacked.

    ``status`` is that of a plain answer; ``form=True`` has the body come as a form too, as OAuth
    clients send it; ``counted=False`` takes a route out of the rate limit.
    ``recent_login=True`` is for what creates credentials, changes who may do what, or destroys for
    good: the caller must be a session that was authenticated in the last 15 minutes.
    """

    def register(handler: H) -> H:
        hints = typing.get_type_hints(handler)
        ENDPOINTS.append(
            Endpoint(
                method=method,
                path=path,
                access=access.recent_login_only() if recent_login else access,
                handler=handler,
                status=status,
                multipart=multipart,
                form=form,
                raw=raw,
                counted=counted,
                body=_model(hints.get("body")),
                query=_model(hints.get("query")),
                wants=frozenset(inspect.signature(handler).parameters),
                **_completed(described, hints.get("return"), status),
            )
        )
        return handler

    return register


def _completed(described: Described, hint: object, status: int) -> Described:
    return {"answers": _annotated(hint, status), **described}


def _annotated(hint: object, status: int) -> dict[Status, object]:
    """Return the one answer that a return annotation tells of; none for a ``Reply``."""
    if hint is type(None):
        return {204: None}
    return {} if hint is Reply else {status: hint}


def _model(hint: object) -> type[BaseModel] | None:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None

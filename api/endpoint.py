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

``workspaceId``, in query or body, picks the caller's workspace and never reaches the models; a
path's ``<workspace_id>`` does too. A multipart route (``multipart=True``) gets ``body=None`` for
multipart requests and reads ``call.request.body`` itself (``api.uploads``). Write a slice as a
module of such functions and name it in ``api.app.SLICES``.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from pydantic import BaseModel

from api.access import Access

Handler = Callable[..., Awaitable[object]]
H = TypeVar("H", bound=Handler)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Endpoint:
    """One row of the table of routes: all that serving it and describing it takes."""

    method: Method
    path: str
    access: Access
    handler: Handler
    status: int
    multipart: bool
    form: bool
    counted: bool
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    wants: frozenset[str] = field(repr=False)

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


ENDPOINTS: Final[list[Endpoint]] = []


def endpoint(
    method: Method,
    path: str,
    *,
    access: Access,
    status: int = 200,
    multipart: bool = False,
    form: bool = False,
    counted: bool = True,
) -> Callable[[H], H]:
    """Put a function into the table of routes, under one method and path; may be stacked.

    ``status`` is that of a plain answer; ``form=True`` has the body come as a form too, as OAuth
    clients send it; ``counted=False`` takes a route out of the rate limit.
    """

    def register(handler: H) -> H:
        parameters = inspect.signature(handler).parameters
        hints = typing.get_type_hints(handler)
        ENDPOINTS.append(
            Endpoint(
                method=method,
                path=path,
                access=access,
                handler=handler,
                status=status,
                multipart=multipart,
                form=form,
                counted=counted,
                body=_model(hints.get("body")),
                query=_model(hints.get("query")),
                wants=frozenset(parameters),
            )
        )
        return handler

    return register


def _model(hint: object) -> type[BaseModel] | None:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None

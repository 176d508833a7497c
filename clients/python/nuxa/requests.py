"""Requests as data, and how the methods of a resource become calls.

A resource's method is written once and describes a request. On a resource of ``NuxaClient`` calling
it sends the request and returns the answer; on one of ``AsyncNuxaClient`` it returns an awaitable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from nuxa.transport_async import AsyncTransport
    from nuxa.transport_sync import SyncTransport

P = ParamSpec("P")
T = TypeVar("T")
Door = TypeVar("Door")
Json = Mapping[str, Any]
Event = dict[str, Any]

_SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True)
class Request(Generic[T]):
    """One request and the type of its answer; ``save_to`` is where bytes go instead."""

    method: str
    path: str
    answer: Any = None
    query: Json = field(default_factory=dict)
    json: Json | None = None
    form: Json = field(default_factory=dict)
    file: Path | None = None
    save_to: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_read_only: bool = False
    """Whether a POST only reads."""

    @property
    def may_repeat(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _SAFE or self.is_read_only or "Idempotency-Key" in self.headers


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list over all its pages; ``item`` is the type of a row."""

    path: str
    item: Any
    query: Json = field(default_factory=dict)

    def page(self, cursor: str | None) -> Request[dict[str, Any]]:
        query = {**self.query, **({"cursor": cursor} if cursor else {})}
        return Request("GET", self.path, dict[str, Any], query=query)


@dataclass(frozen=True)
class Stream:
    """A stream of events; ``resume`` gives the request by which one that was cut goes on."""

    begin: Request[Any]
    resume: Callable[[Event], Request[Any] | None]
    """Takes the last event that came; None where nothing can go on."""


class Resource(Generic[Door]):
    """The methods of one part of the API, on a way to it."""

    def __init__(self, door: Door) -> None:
        self._door = door


class method(Generic[P, T]):  # noqa: N801 - a decorator
    """A method that describes a ``Request``: called, it gives the answer."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Request[T]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: Resource[SyncTransport], owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, resource: Resource[AsyncTransport], owner: Any = None
    ) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        return lambda *args, **given: resource._door.send(self._describe(resource, *args, **given))


class listing(Generic[P, T]):  # noqa: N801 - a decorator
    """A method that describes a ``Listing``: called, it iterates over every row of every page."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Listing[T]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(
        self, resource: Resource[SyncTransport], owner: Any = None
    ) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, resource: Resource[AsyncTransport], owner: Any = None
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        return lambda *args, **given: resource._door.rows(self._describe(resource, *args, **given))


class streaming(Generic[P]):  # noqa: N801 - a decorator
    """A method that describes a ``Stream``: called, it iterates over the events to their end."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Stream]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(
        self, resource: Resource[SyncTransport], owner: Any = None
    ) -> Callable[P, Iterator[Event]]: ...
    @overload
    def __get__(
        self, resource: Resource[AsyncTransport], owner: Any = None
    ) -> Callable[P, AsyncIterator[Event]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        return lambda *args, **given: resource._door.events(
            self._describe(resource, *args, **given)
        )


def keyed(key: str | None) -> dict[str, str]:
    """Return the header that makes a POST safe to repeat."""
    return {"Idempotency-Key": key} if key else {}

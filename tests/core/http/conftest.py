"""Clients whose names resolve by a table, and local servers to call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpcore
import pytest

from core.config import Settings
from core.http import HttpClient
from tests.stand_in import StandIn, standing_in

MakeClient = Callable[..., HttpClient]


class Names:
    """A resolver by table; a name with several answers gives the next one each time."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def add(self, host: str, *answers: list[str]) -> None:
        self.answers[host] = list(answers)

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Dialled(httpcore.AnyIOBackend):
    """Remembers the addresses that were connected to; sends public ones to a local port."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.port_of_public: int | None = None

    async def connect_tcp(self, host, port, *rest):  # type: ignore[no-untyped-def]
        self.addresses.append(host)
        if host.startswith("127."):
            return await super().connect_tcp(host, port, *rest)
        assert self.port_of_public is not None, f"dialled {host}"
        return await super().connect_tcp("127.0.0.1", self.port_of_public, *rest)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
async def other() -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def dialled() -> Dialled:
    return Dialled()


@pytest.fixture
async def make_client(names: Names, dialled: Dialled) -> AsyncIterator[MakeClient]:
    made: list[HttpClient] = []

    def make(allow: str = "", **options: object) -> HttpClient:
        settings = Settings(outgoing_allow=allow, outgoing_timeout_seconds=5)
        client = HttpClient(settings, resolve=names, network=dialled, **options)  # type: ignore[arg-type]
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def client(make_client: MakeClient) -> HttpClient:
    """A client that may call the local servers."""
    return make_client("127.0.0.1")

"""Calls against local servers: requests, deadlines, cancellation, streams."""

from __future__ import annotations

import asyncio

import pytest

from core.http import HttpClient, Outgoing, json_body
from core.http.errors import (
    HeaderRefused,
    NoAnswerInTime,
    UrlMalformed,
)
from tests.core.http.conftest import MakeClient
from tests.stand_in import Asked, Says, StandIn


async def test_request_arrives_as_it_was_given(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says.json({"ok": True}, 201, X_Seen="yes")
    headers = {"Content-Type": "application/json", "X-Api-Key": "k"}
    call = Outgoing("POST", server.url + "/a b?c=d", headers, json_body({"ä": 1}))
    answer = await client.request(call)
    asked = server.asked[0]
    assert (asked.method, asked.target, asked.json()) == ("POST", "/a%20b?c=d", {"ä": 1})
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"
    assert asked.headers["x-api-key"] == "k"
    assert (answer.status, answer.json(), answer.headers["x-seen"]) == (201, {"ok": True}, "yes")
    assert answer.is_success


async def test_error_statuses_are_answers_too(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(503, {"Retry-After": "7"}, b"busy")
    answer = await client.request(Outgoing("GET", server.url))
    assert (answer.status, answer.text, answer.headers["retry-after"]) == (503, "busy", "7")
    assert not answer.is_success


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "internal"},
        {"content-length": "3"},
        {"Transfer-Encoding": "chunked"},
        {"X-A": "b\r\nX-Evil: 1"},
        {"X-A\r\n": "b"},
        {"X A": "b"},
        {"": "b"},
        {"X-A": "ü"},
    ],
)
async def test_headers_that_could_split_a_request_are_refused(
    headers: dict[str, str], client: HttpClient, server: StandIn
) -> None:
    with pytest.raises(HeaderRefused):
        await client.request(Outgoing("GET", server.url, headers))
    assert server.asked == []


@pytest.mark.parametrize("method", ["get", "GET /x HTTP/1.1\r\n", "", "CONNECT " * 9])
async def test_odd_methods_are_refused(method: str, client: HttpClient, server: StandIn) -> None:
    with pytest.raises(HeaderRefused):
        await client.request(Outgoing(method, server.url))
    assert server.asked == []


async def test_cookies_are_not_kept_between_calls(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(headers={"Set-Cookie": "tenant=1"})
    await client.request(Outgoing("GET", server.url))
    await client.request(Outgoing("GET", server.url))
    assert "cookie" not in server.asked[1].headers
    assert server.connections == 1


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 .\r\nContent-Length: 9\r\n\r\nslow"])
async def test_whole_call_has_a_deadline(raw: bytes, client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(raw=raw, hangs=True)
    with pytest.raises(NoAnswerInTime):
        await client.request(Outgoing("GET", server.url, seconds=0.2))
    await server.hung_up.wait()


async def test_deadline_spans_redirects(client: HttpClient, server: StandIn) -> None:
    def answer(asked: Asked) -> Says:
        return Says.moved("/slow") if asked.path == "/" else Says(raw=b"", hangs=True)

    server.answer = answer
    with pytest.raises(NoAnswerInTime):
        await client.request(Outgoing("GET", server.url, seconds=0.2))


async def test_cancelled_call_hangs_up(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(raw=b"", hangs=True)
    task = asyncio.create_task(client.request(Outgoing("GET", server.url)))
    while not server.asked:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.hung_up.wait()


async def test_stream_gives_pieces_before_the_end(client: HttpClient, server: StandIn) -> None:
    head = b"HTTP/1.1 200 .\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
    server.answer = lambda asked: Says(raw=head, hangs=True)
    async with client.stream(Outgoing("GET", server.url)) as answer:
        assert answer.status == 200
        assert await anext(aiter(answer.pieces())) == b"first"
    await server.hung_up.wait()


async def test_readers_own_timeout_is_left_alone(client: HttpClient, server: StandIn) -> None:
    with pytest.raises(TimeoutError):
        async with client.stream(Outgoing("GET", server.url)):
            raise TimeoutError


async def test_urls_are_checked_first(make_client: MakeClient) -> None:
    with pytest.raises(UrlMalformed):
        await make_client().request(Outgoing("GET", "file:///etc/passwd"))

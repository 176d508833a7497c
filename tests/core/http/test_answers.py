"""What comes back: sizes, packing, and what is no answer."""

from __future__ import annotations

import gzip

import pytest

from core.http import HttpClient, Outgoing
from core.http.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
)
from tests.stand_in import Says, StandIn


async def test_answers_have_a_size(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(body=b"x" * 1001)
    with pytest.raises(AnswerTooLarge, match="1000 bytes"):
        await client.request(Outgoing("GET", server.url, max_bytes=1000))
    assert len((await client.request(Outgoing("GET", server.url, max_bytes=1001))).body) == 1001
    head = await client.request(Outgoing("HEAD", server.url, max_bytes=10))
    assert head.headers["content-length"] == "1001"


async def test_answers_without_a_length_have_a_size(client: HttpClient, server: StandIn) -> None:
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    head = b"HTTP/1.1 200 .\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answer = lambda asked: Says(raw=head + chunk * 1000)
    with pytest.raises(AnswerTooLarge):
        await client.request(Outgoing("GET", server.url, max_bytes=10_000))


async def test_packed_answers_are_unpacked(client: HttpClient, server: StandIn) -> None:
    text = bytes(range(256)) * 5000
    two = gzip.compress(text) + gzip.compress(b"end")
    server.answer = lambda asked: Says(headers={"Content-Encoding": "gzip"}, body=two)
    answer = await client.request(Outgoing("GET", server.url))
    assert server.asked[0].headers["accept-encoding"] == "gzip"
    assert answer.body == text + b"end"


async def test_what_packs_well_comes_whole(client: HttpClient, server: StandIn) -> None:
    zeros = b"\0" * 5_000_000
    body = gzip.compress(zeros)
    server.answer = lambda asked: Says(headers={"Content-Encoding": "gzip"}, body=body)
    assert (await client.request(Outgoing("GET", server.url))).body == zeros


async def test_bombs_stop_at_the_size(client: HttpClient, server: StandIn) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    server.answer = lambda asked: Says(headers={"Content-Encoding": "gzip"}, body=bomb)
    async with client.stream(Outgoing("GET", server.url, max_bytes=1_000_000)) as answer:
        pieces = []
        with pytest.raises(AnswerTooLarge):
            async for piece in answer.pieces():
                pieces.append(len(piece))
    assert max(pieces) <= 256 * 1024
    assert sum(pieces) <= 1_000_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"x"),
        ("gzip, gzip", b"x"),
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(b"hello" * 100, mtime=0)[:-12]),
    ],
)
async def test_badly_packed_answers_are_refused(
    encoding: str, body: bytes, client: HttpClient, server: StandIn
) -> None:
    server.answer = lambda asked: Says(headers={"Content-Encoding": encoding}, body=body)
    with pytest.raises(AnswerUnreadable):
        await client.request(Outgoing("GET", server.url))


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"+PONG\r\n",
        b"HTTP/1.1 200 .\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 .\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"",
    ],
)
async def test_servers_that_speak_no_http(raw: bytes, client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(raw=raw)
    with pytest.raises(AnswerUnreadable):
        await client.request(Outgoing("GET", server.url))


@pytest.mark.parametrize(
    ("headers", "body", "data"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, b'{"a":[1]}', {"a": [1]}),
        ({"Content-Type": "application/problem+json"}, b"{}", {}),
        ({"Content-Type": "application/json"}, b"", None),
        ({"Content-Type": "application/json"}, b"<oops>", "<oops>"),
        ({"Content-Type": "text/plain; charset=latin-1"}, b"\xe4", "ä"),
        ({"Content-Type": "text/plain; charset=nonsense"}, "ä".encode(), "ä"),
        ({}, "ä".encode(), "ä"),
        ({"Content-Type": "image/png"}, b"\x89PNG", "iVBORw=="),
    ],
)
async def test_data_of_an_answer(
    headers: dict[str, str], body: bytes, data: object, client: HttpClient, server: StandIn
) -> None:
    server.answer = lambda asked: Says(headers=headers, body=body)
    assert (await client.request(Outgoing("GET", server.url))).data() == data


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b"[" * 100_000])
async def test_json_that_is_none_says_so(body: bytes, client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(headers={"Content-Type": "application/json"}, body=body)
    with pytest.raises(AnswerUnreadable, match="did not answer with JSON"):
        (await client.request(Outgoing("GET", server.url))).json()

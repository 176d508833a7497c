"""Calls against local servers: redirects, credentials, limits, cancellation."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from core.http import HttpClient, Outgoing, json_body
from core.http.errors import (
    AddressForbidden,
    AnswerTooLarge,
    AnswerUnreadable,
    HeaderRefused,
    NoAnswerInTime,
    RedirectRefused,
    UrlMalformed,
)
from tests.core.http.conftest import MakeClient
from tests.stand_in import Asked, Says, StandIn

SECRETS = {
    "Authorization": "Bearer s3cret",
    "Cookie": "session=s3cret",
    "Proxy-Authorization": "Basic s3cret",
    "x-api-key": "s3cret",
    "X-Goog-Api-Key": "s3cret",
    "X-Custom-Token": "s3cret",
}


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


def _first_then(location: str, status: int = 302):  # type: ignore[no-untyped-def]
    return lambda asked: Says.moved(location, status) if asked.path == "/" else Says(body=b"end")


async def test_redirects_on_one_origin_keep_credentials(
    client: HttpClient, server: StandIn
) -> None:
    server.answer = _first_then("/next?x=1")
    answer = await client.request(Outgoing("GET", server.url, SECRETS))
    assert (answer.body, answer.url) == (b"end", server.url + "/next?x=1")
    assert server.asked[1].headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_credential_goes_to_another_origin(
    status: int, client: HttpClient, server: StandIn, other: StandIn
) -> None:
    server.answer = lambda asked: Says.moved(other.url + "/x", status)
    await client.request(Outgoing("GET", server.url, {**SECRETS, "Accept": "text/plain"}))
    asked = other.asked[0]
    assert "s3cret" not in str(asked.headers)
    assert asked.headers["accept"] == "text/plain"


async def test_credentials_do_not_come_back_after_a_detour(
    client: HttpClient, server: StandIn, other: StandIn
) -> None:
    server.answer = lambda asked: Says.moved(other.url) if asked.path == "/" else Says()
    other.answer = lambda asked: Says.moved(server.url + "/back")
    await client.request(Outgoing("GET", server.url, SECRETS))
    assert "s3cret" not in str(server.asked[1].headers)


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (303, "HEAD", "HEAD"),
    ],
)
async def test_method_after_a_redirect(
    status: int, method: str, after: str, client: HttpClient, server: StandIn
) -> None:
    server.answer = _first_then("/next", status)
    body = b"" if method == "HEAD" else b"{}"
    await client.request(Outgoing(method, server.url, {"Content-Type": "text/x"}, body))
    asked = server.asked[1]
    assert (asked.method, asked.body) == (after, body if after == method else b"")
    assert ("content-type" in asked.headers) == (after == method)


async def test_no_body_goes_to_another_origin(
    client: HttpClient, server: StandIn, other: StandIn
) -> None:
    server.answer = lambda asked: Says.moved(other.url, 307)
    with pytest.raises(RedirectRefused):
        await client.request(Outgoing("POST", server.url, body=b"private"))
    assert other.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{other}/",
        "//127.0.0.2:{other}/",
        "http://[::1]:{other}/",
        "http://[::ffff:127.0.0.2]:{other}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
    ],
)
async def test_redirects_to_private_addresses_are_refused(
    location: str, client: HttpClient, server: StandIn, other: StandIn
) -> None:
    server.answer = lambda asked: Says.moved(location.format(other=other.port))
    with pytest.raises(AddressForbidden):
        await client.request(Outgoing("GET", server.url))
    assert other.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "http://user:pw@127.0.0.1:{other}/",
        "http://2130706433:{other}/",
        "http://0x7f.0.0.1:{other}/",
        "/\\127.0.0.1:{other}/",
        "http:\\\\127.0.0.1:{other}/",
        "http://a b/",
        "http://[::1/",
    ],
)
async def test_redirects_that_cannot_be_read_are_refused(
    location: str, client: HttpClient, server: StandIn, other: StandIn
) -> None:
    server.answer = lambda asked: Says.moved(location.format(other=other.port))
    with pytest.raises(RedirectRefused):
        await client.request(Outgoing("GET", server.url))
    assert other.asked == []
    assert len(server.asked) == 1


async def test_redirects_end(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says.moved("/again")
    with pytest.raises(RedirectRefused, match="more than 5 times"):
        await client.request(Outgoing("GET", server.url))
    assert len(server.asked) == 6


async def test_redirects_can_be_left_to_the_caller(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says.moved("http://10.0.0.1/", 302)
    answer = await client.request(Outgoing("GET", server.url, redirects=0))
    assert (answer.status, answer.headers["location"]) == (302, "http://10.0.0.1/")


async def test_cookies_are_not_kept_between_calls(client: HttpClient, server: StandIn) -> None:
    server.answer = lambda asked: Says(headers={"Set-Cookie": "tenant=1"})
    await client.request(Outgoing("GET", server.url))
    await client.request(Outgoing("GET", server.url))
    assert "cookie" not in server.asked[1].headers
    assert server.connections == 1


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
        ("gzip", gzip.compress(b"hello" * 100)[:-12]),
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

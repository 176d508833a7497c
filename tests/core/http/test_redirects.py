"""Redirects: what goes along, what stays behind, and where they may lead."""

from __future__ import annotations

import pytest

from core.http import HttpClient, Outgoing
from core.http.errors import (
    AddressForbidden,
    RedirectRefused,
)
from tests.stand_in import Says, StandIn

SECRETS = {
    "Authorization": "Bearer s3cret",
    "Cookie": "session=s3cret",
    "Proxy-Authorization": "Basic s3cret",
    "x-api-key": "s3cret",
    "X-Goog-Api-Key": "s3cret",
    "X-Custom-Token": "s3cret",
}


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

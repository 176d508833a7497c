"""URLs that parsers read differently are refused; all others keep their host."""

from __future__ import annotations

import httpx
import pytest

from core.http.errors import UrlMalformed
from core.http.url import is_same_site, read_url

REFUSED = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://example.com/",
    "dict://127.0.0.1:11211/stat",
    "jar:http://127.0.0.1!/",
    "javascript:alert(1)",
    "data:text/plain,hello",
    "unix:///var/run/docker.sock",
    "//example.com/",
    "/etc/passwd",
    "example.com",
    "",
    "http://",
    "http:///path",
    "http:example.com",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com:80@127.0.0.1/",
    "http://127.0.0.1#@example.com@/\\",
    "http://foo@127.0.0.1#@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com\\.127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://exa\tmple.com/",
    "http://example.com/\r\nHost: 127.0.0.1",
    "http://example.com/\x00",
    "http://exa mple.com/",
    "http://2130706433/",  # 127.0.0.1 in decimal
    "http://0x7f000001/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.1.5/",
    "http://999.1.1.1/",
    "http://1.1.1.0x7f/",
    "http://example.0x/",
    "http://0/",
    "http://127%2e0%2e0%2e1/",
    "http://localhost%00.example.com/",
    "http://①②⑦.⓪.⓪.①/",
    "http://ｌocalhost/",
    "http://ex\u00adample.com/",  # soft hyphen
    "http://[::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[1.2.3.4]/",
    "http://[::1/",
    "http://[]/",
    "http://a..b/",
    "http://.example.com/",
    "http://example.com../",
    "http://-a.example/",
    "http://*.example.com/",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://example.com:80:80/",
    "http://example.com:port/",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 130 + "com/",
    "http://example.com/" + "a" * 9000,
]


@pytest.mark.parametrize("text", REFUSED)
def test_ambiguous_urls_are_refused(text: str) -> None:
    with pytest.raises(UrlMalformed):
        read_url(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://example.com", "example.com"),
        ("HTTPS://EXAMPLE.com:443/a?b=c#d", "example.com"),
        ("  http://example.com/a b?c=d e  ", "example.com"),
        ("http://example.com./", "example.com"),
        ("http://127.0.0.1./", "127.0.0.1"),
        ("http://127。0。0。1/", "127.0.0.1"),  # read as an address, so refused as one
        ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://under_score.example/", "under_score.example"),
        ("http://127.0.0.1.nip.io/", "127.0.0.1.nip.io"),
        ("http://x#@127.0.0.1/", "x"),
        ("http://x/?@127.0.0.1/", "x"),
    ],
)
def test_host_is_the_one_that_will_be_called(text: str, host: str) -> None:
    assert read_url(text).raw_host == host.encode()


def test_fragment_is_not_sent() -> None:
    assert str(read_url("https://example.com/a#b")) == "https://example.com/a"


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("https://a.example/x", "https://a.example/y", True),
        ("https://a.example/x", "https://a.example:443/y", True),
        ("http://a.example/x", "https://a.example/y", True),
        ("https://a.example/x", "http://a.example/y", False),
        ("http://a.example:8080/", "https://a.example/", False),
        ("http://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://b.example/", False),
        ("https://a.example/", "https://a.example.evil/", False),
        ("https://a.example/", "https://a.example:444/", False),
    ],
)
def test_credentials_belong_to_an_origin(before: str, after: str, is_same: bool) -> None:
    assert is_same_site(httpx.URL(before), httpx.URL(after)) is is_same

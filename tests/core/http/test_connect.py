"""Connections go to checked addresses only, whatever a resolver says later."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.config import Settings
from core.http import HttpClient, Outgoing
from core.http.connect import look_up
from core.http.errors import AddressForbidden, HostUnreachable
from tests.core.http.conftest import Dialled, MakeClient, Names
from tests.stand_in import Says, StandIn, standing_in

FORBIDDEN = [
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127。0。0。1/",
    "http://10.0.0.5:8080/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://0.0.0.0/",
    "http://255.255.255.255/",
    "http://224.0.0.1/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
]


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_private_addresses_are_not_dialled(
    url: str, make_client: MakeClient, dialled: Dialled
) -> None:
    with pytest.raises(AddressForbidden, match="NUXA_OUTGOING_ALLOW"):
        await make_client().request(Outgoing("GET", url))
    assert dialled.addresses == []


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1", "93.184.215.14"], ["::ffff:10.0.0.1"]],
)
async def test_every_address_of_a_name_is_checked(
    addresses: list[str], make_client: MakeClient, names: Names, dialled: Dialled
) -> None:
    names.add("mixed.example", addresses)
    with pytest.raises(AddressForbidden):
        await make_client().request(Outgoing("GET", "https://mixed.example/"))
    assert dialled.addresses == []


async def test_rebinding_name_is_dialled_at_the_checked_address(
    make_client: MakeClient, names: Names, dialled: Dialled, server: StandIn
) -> None:
    names.add("rebind.example", ["93.184.215.14"], ["127.0.0.1"])
    dialled.port_of_public = server.port
    answer = await make_client().request(Outgoing("GET", "http://rebind.example/"))
    assert answer.body == b"hello"
    assert names.asked == ["rebind.example"]
    assert dialled.addresses == ["93.184.215.14"]


async def test_name_rebound_between_two_hops_is_refused(
    make_client: MakeClient, names: Names, dialled: Dialled, server: StandIn
) -> None:
    names.add("rebind.example", ["93.184.215.14"], ["127.0.0.1"])
    dialled.port_of_public = server.port
    head = b"HTTP/1.1 302 .\r\nLocation: /again\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    server.answer = lambda asked: Says(raw=head)
    with pytest.raises(AddressForbidden):
        await make_client().request(Outgoing("GET", "http://rebind.example/"))
    assert dialled.addresses == ["93.184.215.14"]


async def test_next_address_is_tried_when_one_refuses(
    make_client: MakeClient, names: Names, dialled: Dialled, server: StandIn
) -> None:
    names.add("two.example", ["127.9.9.9", "127.0.0.1"])
    url = f"http://two.example:{server.port}/"
    answer = await make_client("127.0.0.0/8").request(Outgoing("GET", url))
    assert answer.status == 200
    assert dialled.addresses == ["127.9.9.9", "127.0.0.1"]
    assert server.asked[0].headers["host"] == f"two.example:{server.port}"


async def test_trusted_origin_opens_nothing_for_other_calls(
    make_client: MakeClient, server: StandIn, other: StandIn
) -> None:
    client = make_client()
    trusted = Outgoing("GET", server.url, trusting=server.url + "/base")
    assert (await client.request(trusted)).status == 200
    with pytest.raises(AddressForbidden):
        await client.request(Outgoing("GET", server.url))
    with pytest.raises(AddressForbidden):
        await client.request(Outgoing("GET", other.url, trusting=server.url))


async def test_unknown_host_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(HostUnreachable, match="unknown"):
        await look_up("nowhere.example", 80)


async def test_systems_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in await look_up("localhost", 80)


async def test_closed_port_says_so(make_client: MakeClient) -> None:
    with pytest.raises(HostUnreachable, match="check that it is running"):
        await make_client("127.0.0.1").request(Outgoing("GET", "http://127.0.0.1:9/"))


async def test_nothing_replaced(server: StandIn) -> None:
    client = HttpClient(Settings(outgoing_allow="localhost"))
    answer = await client.request(Outgoing("GET", f"http://localhost:{server.port}/"))
    assert answer.body == b"hello"
    with pytest.raises(AddressForbidden):
        await client.request(Outgoing("GET", f"http://127.0.0.1:{server.port}/"))
    await client.close()


async def test_proxies_of_the_environment_are_ignored(
    make_client: MakeClient, server: StandIn, other: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, other.url)
    await make_client("127.0.0.1").request(Outgoing("GET", server.url))
    assert len(server.asked) == 1
    assert other.asked == []


async def test_tls_keeps_the_name_of_the_url(
    make_client: MakeClient, names: Names, tmp_path: Path
) -> None:
    serving, trusting = _certificate("stand.example", tmp_path)
    names.add("stand.example", ["127.0.0.1"])
    names.add("wrong.example", ["127.0.0.1"])
    seen: list[str | None] = []
    serving.sni_callback = lambda _socket, name, _context: seen.append(name)
    client = make_client("127.0.0.1", tls=trusting)
    async with standing_in(serving) as server:
        answer = await client.request(Outgoing("GET", f"https://stand.example:{server.port}/"))
        assert answer.status == 200
        with pytest.raises(HostUnreachable):
            await client.request(Outgoing("GET", f"https://wrong.example:{server.port}/"))
    assert seen == ["stand.example", "wrong.example"]


def _certificate(host: str, directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "stand.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cafile=str(path))

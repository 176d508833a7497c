"""Mail over SMTP, and what must not travel in the open."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from core.config import Settings
from core.mail import MailFailed, send_mail
from tests.mailbox import PASSWORD, USER, mailbox


def _settings(url: str | None) -> Settings:
    return Settings(smtp_url=SecretStr(url) if url else None, mail_from="Nuxa <nuxa@example.com>")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_message_arrives_as_it_was_written() -> None:
    async with mailbox() as box:
        settings = _settings(f"smtp://127.0.0.1:{box.port}")
        await send_mail(settings, "ada@example.com", "Grüße", "Über\nallem")
    ((to, message),) = box.received
    assert to == message["To"] == "ada@example.com"
    assert (message["From"], message["Subject"]) == ("Nuxa <nuxa@example.com>", "Grüße")
    assert message.get_content().splitlines() == ["Über", "allem"]
    assert message["Date"] and message["Message-ID"]


@pytest.mark.parametrize("to", ["a@example.com\nBcc: eve@evil.example", "a@example.com\r\nX: 1"])
async def test_an_address_adds_no_header(to: str) -> None:
    async with mailbox() as box:
        with pytest.raises(MailFailed):
            await send_mail(_settings(f"smtp://127.0.0.1:{box.port}"), to, "Hello", "text")
        assert box.received == []


async def test_only_the_one_address_is_written_to() -> None:
    async with mailbox() as box:
        settings = _settings(f"smtp://127.0.0.1:{box.port}")
        await send_mail(settings, "a@example.com", "Hello", "text")
        assert [to for to, _ in box.received] == ["a@example.com"]


async def test_a_password_is_sent_under_tls(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr("ssl.create_default_context", lambda: trusting)
    async with mailbox(tls) as box:
        url = f"smtp://{USER}:p%40ss%2Fword@127.0.0.1:{box.port}"
        await send_mail(_settings(url), "ada@example.com", "Hello", "text")
        assert (len(box.received), box.logins) == (1, 1)
        wrong = url.replace("word", "wort")
        with pytest.raises(MailFailed) as caught:
            await send_mail(_settings(wrong), "ada@example.com", "Hello", "text")
        assert PASSWORD not in str(caught.value)


async def test_a_password_is_not_sent_without_tls() -> None:
    async with mailbox() as box:
        url = f"smtp://{USER}:secret@127.0.0.1:{box.port}"
        with pytest.raises(MailFailed):
            await send_mail(_settings(url), "ada@example.com", "Hello", "text")
        assert (box.received, box.logins) == ([], 0)


async def test_a_server_with_an_unknown_certificate_gets_nothing(tls: ssl.SSLContext) -> None:
    async with mailbox(tls) as box:
        url = f"smtp://{USER}:p%40ss%2Fword@127.0.0.1:{box.port}"
        with pytest.raises(MailFailed):
            await send_mail(_settings(url), "ada@example.com", "Hello", "text")
        assert (box.received, box.logins) == ([], 0)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1", "smtp://", "smtp://127.0.0.1:1"])
async def test_without_a_server_it_says_so(url: str | None) -> None:
    with pytest.raises(MailFailed):
        await send_mail(_settings(url), "ada@example.com", "Hello", "text")

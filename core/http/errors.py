"""What may go wrong with a call to the outside, each with a sentence on what to do."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from core.errors import UpstreamError, ValidationFailed


class UrlMalformed(ValidationFailed):
    """The URL cannot be called: not http or https, no host, user names, or odd characters."""


class AddressForbidden(ValidationFailed):
    """The host is, or resolves to, an address that is no public one and is not allowed."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is not a public address, so it is not called. Whoever runs this service can "
            "allow it in NUXA_OUTGOING_ALLOW.",
            {"host": host, "reason": "address"},
        )


class HeaderRefused(ValidationFailed):
    """A header is malformed, or is one that the client itself writes."""


class HostUnreachable(UpstreamError):
    """The host has no address, refuses connections, or breaks them off."""


class NoAnswerInTime(UpstreamError):
    """The whole call took longer than it may."""


class AnswerTooLarge(UpstreamError):
    """The answer is larger than it may be."""


class AnswerUnreadable(UpstreamError):
    """The answer is no HTTP, is packed in a way we did not ask for, or is not what it says."""


class RedirectRefused(UpstreamError):
    """A redirect loops, leads nowhere, or would carry a body to another origin."""


@contextmanager
def explained(host: str) -> Iterator[None]:
    """Turn what the network raises while it is asked into errors that say what to do."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise NoAnswerInTime(
            f"{host} did not answer in time; try again, or give it longer.", {"host": host}
        ) from error
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError) as error:
        raise AnswerUnreadable(
            f"{host} does not speak HTTP as it should; check the URL and its port.", {"host": host}
        ) from error
    except (httpcore.NetworkError, ssl.SSLError, OSError) as error:
        raise HostUnreachable(
            f"The connection to {host} failed; check the URL, and try again.", {"host": host}
        ) from error

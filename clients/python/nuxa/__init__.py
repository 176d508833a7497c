"""Client of Nuxa Flow: ``NuxaClient(api_key=…)``, or ``AsyncNuxaClient`` on an event loop."""

from nuxa.client import AsyncNuxaClient, NuxaClient
from nuxa.errors import (
    Conflict,
    ConnectionFailed,
    Forbidden,
    InternalError,
    Locked,
    MethodNotAllowed,
    NotFound,
    NuxaError,
    PayloadTooLarge,
    RangeNotSatisfiable,
    RateLimited,
    ServiceUnavailable,
    TimedOut,
    Unauthorized,
    UnsupportedMediaType,
    UpstreamError,
    ValidationFailed,
)

__all__ = [
    "AsyncNuxaClient",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "InternalError",
    "Locked",
    "MethodNotAllowed",
    "NotFound",
    "NuxaClient",
    "NuxaError",
    "PayloadTooLarge",
    "RangeNotSatisfiable",
    "RateLimited",
    "ServiceUnavailable",
    "TimedOut",
    "Unauthorized",
    "UnsupportedMediaType",
    "UpstreamError",
    "ValidationFailed",
]

"""What litellm raises, said in a sentence that helps; the upstream's own words may hold keys."""

from __future__ import annotations

from typing import Any, Final

from core.errors import UpstreamError

_SENTENCES: Final = {
    "AuthenticationError": "refused the key. Set NUXA_CHAT_API_KEY, or the workspace's own, "
    "to a valid one",
    "PermissionDeniedError": "does not allow this key to use it. Check the key's rights",
    "NotFoundError": "does not exist at this address. Check NUXA_CHAT_MODEL and NUXA_CHAT_BASE_URL",
    "MidStreamFallbackError": "broke off its answer. Ask again",
    "RateLimitError": "takes no more requests at the moment. Try again later",
    "ContextWindowExceededError": "cannot read that much. Ask a shorter question or start a chat",
    "ContentPolicyViolationError": "refused the content. Put the question another way",
    "UnsupportedParamsError": "does not know one of the settings of this call. Remove it",
    "BadRequestError": "did not accept the request. Check that its name reads provider/model, "
    "for example openai/gpt-4o-mini, and that it can do what was asked",
    "APIConnectionError": "cannot be reached. Check NUXA_CHAT_BASE_URL and that it is running",
    "Timeout": "did not answer in time. Try again, or raise NUXA_CHAT_TIMEOUT_SECONDS",
    "ServiceUnavailableError": "is not available at the moment. Try again later",
    "InternalServerError": "failed on its side. Try again later",
}
_ANY: Final = "answered something that cannot be read. Check that NUXA_CHAT_BASE_URL is its API"


def raised_by_litellm() -> tuple[type[Exception], ...]:
    """Return the classes that a call through litellm may raise; call after it was imported."""
    import httpx
    import openai

    return (openai.OpenAIError, httpx.HTTPError, OSError, ValueError, TypeError)


def explain(error: Exception, model: str) -> UpstreamError:
    """Return the error to show; ``details`` holds ``model``, ``status`` and ``retryAfter``."""
    if isinstance(error, UpstreamError):
        return error
    names = [kind.__name__ for kind in type(error).__mro__]
    if is_refused_connection(error):
        names = ["APIConnectionError"]  # litellm takes it for a failure on the other side
    if "Missing credentials" in str(error):
        names = ["AuthenticationError"]  # the client's own refusal to ask without a key
    sentence = next((_SENTENCES[name] for name in names if name in _SENTENCES), _ANY)
    details: dict[str, Any] = {"model": model, "reason": type(error).__name__}
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        details["status"] = status
    retry_after = _header(error, "retry-after")
    if retry_after:
        details["retryAfter"] = retry_after
    return UpstreamError(f"The chat model {model} {sentence}.", details)


def silent(model: str, seconds: float) -> UpstreamError:
    """Return the error for a model that said nothing for ``seconds``."""
    return UpstreamError(
        f"The chat model {model} said nothing for {seconds:g} s. Try again, or raise "
        "NUXA_CHAT_TIMEOUT_SECONDS.",
        {"model": model, "reason": "Stalled"},
    )


def broken_off(model: str) -> UpstreamError:
    """Return the error for an answer that ended without being finished."""
    details = {"model": model, "reason": "BrokenOff"}
    return UpstreamError(f"The chat model {model} broke off its answer. Ask again.", details)


_TEMPORARY: Final = frozenset({408, 409, 429})


def is_temporary(error: Exception) -> bool:
    """Whether asking again, later or another model, may help: as litellm's Router decides."""
    if isinstance(error, UpstreamError):
        if isinstance(error.__cause__, Exception):
            return is_temporary(error.__cause__)
        return (error.details or {}).get("reason") == "Stalled"
    if "Missing credentials" in str(error):
        return False
    status = getattr(error, "status_code", None)
    has_status = isinstance(status, int) and (status in _TEMPORARY or status >= 500)
    return has_status or is_refused_connection(error)


def retry_after(error: Exception) -> float | None:
    """Return the seconds that a server asks to wait, None where it names none."""
    try:
        seconds = float(_header(error, "retry-after") or "")
    except ValueError:
        return None
    return seconds if seconds > 0 else None


def is_refused_connection(error: Exception) -> bool:
    """Whether no request reached the model, so that asking again is free of doubles."""
    import httpx

    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError | httpx.ConnectError):
            return True
        if type(seen).__name__ == "ClientConnectorError":  # aiohttp's, litellm's other transport
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _header(error: Exception, name: str) -> str | None:
    for holder in (getattr(error, "response", None), error):
        headers = getattr(holder, "headers", None) or getattr(
            holder, "litellm_response_headers", None
        )
        if headers and headers.get(name):
            return str(headers.get(name))
    return None

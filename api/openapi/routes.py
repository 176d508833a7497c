"""Where the description is read: as JSON, and as a page of our own that needs no other host."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from api.access import PUBLIC
from api.call import Reply
from api.endpoint import Media, endpoint
from api.openapi.document import document_bytes

_PAGE: Final = Path(__file__).parent / "page"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@endpoint("GET", "/api/openapi.json", access=PUBLIC, answers={200: dict[str, Any]})
async def get_openapi() -> Reply:
    """Describe every route of this API, in OpenAPI 3.1."""
    return Reply(content=document_bytes(), headers={"Content-Type": "application/json"})


@endpoint("GET", "/api-docs", access=PUBLIC, answers={200: Media("text/html")})
async def get_docs() -> Reply:
    """Show the description, with a form for each route that sends a request."""
    return _part("index.html", "text/html")


@endpoint("GET", "/api-docs/page.js", access=PUBLIC, answers={200: Media("text/javascript")})
async def get_docs_script() -> Reply:
    """Return the script of the page."""
    return _part("page.js", "text/javascript")


@endpoint("GET", "/api-docs/page.css", access=PUBLIC, answers={200: Media("text/css")})
async def get_docs_style() -> Reply:
    """Return the style of the page."""
    return _part("page.css", "text/css")


def _part(name: str, media_type: str) -> Reply:
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-cache",
    }
    return Reply(content=_read(name), headers=headers)


@lru_cache
def _read(name: str) -> bytes:
    return (_PAGE / name).read_bytes()

"""Why a document could not be read; each failure is final unless it says ``retryable``."""

from __future__ import annotations

from typing import ClassVar

from core.errors import NuxaError


class ParseFailed(NuxaError):
    """A document that could not be read; the code and the sentence stand in its record."""

    code = "PARSE_FAILED"
    status = 422
    retryable: ClassVar[bool] = False


class EmptyDocument(ParseFailed):
    code = "EMPTY_DOCUMENT"


class UnsupportedType(ParseFailed):
    code = "UNSUPPORTED_TYPE"
    status = 415


class EncryptedDocument(ParseFailed):
    code = "ENCRYPTED"


class CorruptDocument(ParseFailed):
    code = "CORRUPT"


class DocumentTooLarge(ParseFailed):
    code = "TOO_LARGE"
    status = 413


class TooManyPages(ParseFailed):
    code = "TOO_MANY_PAGES"
    status = 413


class NoText(ParseFailed):
    code = "NO_TEXT"


class ForbiddenAccess(ParseFailed):
    """The document made its reader reach for a file or a network address."""

    code = "FORBIDDEN_ACCESS"


class ParseTimeout(ParseFailed):
    code = "PARSE_TIMEOUT"


class DocumentTooComplex(ParseFailed):
    """Reading it takes more time or space than its size allows."""

    code = "DOCUMENT_TOO_COMPLEX"


class ParseMemory(ParseFailed):
    code = "PARSE_MEMORY"


class ParserCrashed(ParseFailed):
    """The parser's process ended by itself; a second attempt may succeed."""

    code = "PARSER_CRASHED"
    retryable = True


_KINDS: dict[str, type[ParseFailed]] = {
    kind.code: kind
    for kind in (
        ParseFailed,
        EmptyDocument,
        UnsupportedType,
        EncryptedDocument,
        CorruptDocument,
        DocumentTooLarge,
        TooManyPages,
        NoText,
        ForbiddenAccess,
        ParseTimeout,
        DocumentTooComplex,
        ParseMemory,
        ParserCrashed,
    )
}


def failure(code: str, message: str) -> ParseFailed:
    """Return the failure of that code, for one that crossed the parser's pipe."""
    return _KINDS[code](message)

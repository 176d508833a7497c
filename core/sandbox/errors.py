"""How running a user's code can end badly; every sentence is meant for the code's author."""

from __future__ import annotations

from core.errors import NuxaError, ServiceUnavailable, TimedOut


class CodeFailed(NuxaError):
    """The code raised, did not parse, or was refused something.

    ``details.traceback`` lists the places in the code, innermost first; ``details.stdout`` is what
    it had printed.
    """

    code = "CODE_FAILED"
    status = 422


class CodeTimedOut(TimedOut):
    """The code ran longer than its ``timeout_ms`` and was killed."""


class CodeMemoryExceeded(NuxaError):
    """The code took more memory than a run may have and was killed."""

    code = "CODE_MEMORY_EXCEEDED"
    status = 422


class CodeOutputTooLarge(NuxaError):
    """The result, or what the code printed, is larger or nested deeper than a run may have."""

    code = "CODE_OUTPUT_TOO_LARGE"
    status = 422


class LanguageUnavailable(ServiceUnavailable):
    """The interpreter of a language is not installed here."""

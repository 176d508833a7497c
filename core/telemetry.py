"""Switches off what libraries report to their makers; runs before any of them is imported."""

from __future__ import annotations

import os
from typing import Final

_SWITCHES: Final = {
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    "HAYSTACK_LOGGING_IGNORE_STRUCTLOG": "true",  # core.logs configures it
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "SCARF_NO_ANALYTICS": "true",  # unstructured
    "DO_NOT_TRACK": "1",
    "DENO_NO_UPDATE_CHECK": "1",
}


def disable_telemetry() -> None:
    """Set the variables that libraries read when they are imported; a child process inherits them.

    litellm has an attribute instead, which ``core.models.providers`` sets.
    """
    os.environ.update(_SWITCHES)

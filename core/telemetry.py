"""Switches off what libraries report to their makers, or fetch from them, when they are imported.

It runs before any of them is.
"""

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
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the price list that it brings
    "TOKENIZERS_PARALLELISM": "false",  # its threads do not survive a fork
}


def disable_telemetry() -> None:
    """Set the variables that libraries read when they are imported; a child process inherits them.

    litellm has an attribute instead, which ``core.models.providers`` sets.
    """
    os.environ.update(_SWITCHES)

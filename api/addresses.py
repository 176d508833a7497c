"""How a process that was started before the servers learns where they are.

The API's imports take as long as the servers' start, so the launcher begins both at once; the
addresses follow in a file that only our user may read. They hold a password.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.config import Settings, get_settings
from core.errors import ServiceUnavailable

FILE_VARIABLE: Final = "NUXA_ADDRESSES_FILE"
_WAIT_SECONDS: Final = 120
_GLANCE_SECONDS: Final = 0.02


def announce(file: Path, addresses: Mapping[str, str]) -> None:
    """Write settings to the file, whole at once."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(dict(addresses), output)
    draft.rename(file)


def awaited(settings: Settings) -> Settings:
    """Return the settings with the addresses that the launcher announces, where it is to.

    Raises ``ServiceUnavailable`` when it does not in two minutes.
    """
    named = os.environ.pop(FILE_VARIABLE, None)
    if named is None:
        return settings
    file, deadline = Path(named), time.monotonic() + _WAIT_SECONDS
    while not file.exists():
        if time.monotonic() > deadline:
            raise ServiceUnavailable(f"The launcher did not write {file}; start again.")
        time.sleep(_GLANCE_SECONDS)
    os.environ.update(json.loads(file.read_text()))
    get_settings.cache_clear()
    return get_settings()

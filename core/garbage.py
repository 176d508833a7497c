"""Full garbage collections that look at what is new, so that none holds an event loop long.

A full one walks through all that lives: with a thousand open sockets that took 140 ms. What has
lived through one is put where the next does not look. Counting of references still frees it; only
cycles of it stay, so that once the process has grown by a quarter everything is looked at again.
"""

from __future__ import annotations

import gc
import resource
from typing import Any, Final

# A full collection after 40,000 new objects that live, not after 85,000 as by Python's own; young
# ones seldom: what a few requests hold at a time dies by itself.
_THRESHOLDS: Final = (5_000, 3, 1)
_GROWN: Final = 1.25


class _Tenure:
    """Python calls it before and after each collection."""

    def __init__(self) -> None:
        self._peak = _peak()

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if phase != "stop" or info["generation"] != 2:
            return
        if (peak := _peak()) > self._peak * _GROWN:
            self._peak = peak
            gc.unfreeze()  # the next one walks through everything, and comes soon
        else:
            gc.freeze()


def look_at_new_alone() -> None:
    """Have full collections pass over what lives now, and over what lives through one later.

    Of the process, for good; called when what it needs is loaded. Again changes nothing but that
    what lives now is passed over too.
    """
    gc.freeze()
    if not any(isinstance(callback, _Tenure) for callback in gc.callbacks):
        gc.callbacks.append(_Tenure())
        gc.set_threshold(*_THRESHOLDS)


def _peak() -> int:
    """Return how large the process was at most, in a unit of the system's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

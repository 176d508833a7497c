"""What the workflows that are being edited hold, as this process last saved it.

The database is what counts: an entry is used only under the workflow's lock, and only where its
version is the row's. It spares reading and checking what an edit leaves as it was.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from pipelines.editing.content import Known
from pipelines.editing.patch import PARTS

_MOST: Final = 4_000_000  # characters of JSON in all; some ten times as many bytes


@dataclass(frozen=True)
class Recent:
    version: int
    known: Known

    @property
    def definition(self) -> dict[str, Any]:
        """The definition as the row has it."""
        return {part: self.known.content[part] for part in PARTS}


class RecentWorkflows:
    """The last that were edited, as many as there is room for."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[str, Recent] = OrderedDict()

    def get(self, workflow_id: str) -> Recent | None:
        return self._kept.get(workflow_id)

    def keep(self, workflow_id: str, version: int, known: Known) -> None:
        """Remember what was committed, unless something newer is."""
        old = self._kept.get(workflow_id)
        if old is not None and old.version > version:
            return
        self._take(workflow_id)
        self._kept[workflow_id] = Recent(version, known)
        self._size += known.size
        while self._size > self._most:
            self._take(next(iter(self._kept)))

    def _take(self, workflow_id: str) -> None:
        old = self._kept.pop(workflow_id, None)
        self._size -= old.known.size if old else 0


recent: Final = RecentWorkflows()  # of the process, as the shelf of documents is

"""What a workflow says to a person: its secrets hidden, its links guarded like the copilot's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import JsonValue

from pipelines.addresses import is_own
from pipelines.links import LinkGuard
from pipelines.masking import TextMask

_STORED: Final = {"knowledge": "results", "agent": "citations"}  # outputs that quote documents
_MOST: Final = 10_000  # texts that an address is looked for in


class Spoken:
    """Feed it a workflow's answer in pieces of any size.

    An address may stand that is the service's ``own``, or that stands, as it is, in ``seen``: in
    what the user said, what the workflow's author wrote, or what was found in knowledge bases.
    """

    def __init__(self, own: str, secrets: Mapping[str, str], seen: Iterable[str]) -> None:
        self._own, self._seen = own, list(seen)
        self._mask = TextMask(secrets)
        self._guard = LinkGuard(self._may_stand)

    def see(self, block_type: str, output: Mapping[str, Any]) -> None:
        """Take in what a block has found that is stored text, and no model's words."""
        name = _STORED.get(block_type)
        if name is not None and len(self._seen) < _MOST:
            self._seen.extend(texts_of(output.get(name)))

    def feed(self, piece: str) -> str:
        """Return what is certain by now."""
        return self._guard.feed(self._mask.feed(piece))

    def finish(self) -> str:
        """Return the rest; more may follow."""
        return self._guard.feed(self._mask.finish()) + self._guard.finish()

    def _may_stand(self, address: str) -> bool:
        return is_own(address, self._own) or any(address in text for text in self._seen)


def texts_of(value: JsonValue) -> Iterable[str]:
    """Yield every text inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)

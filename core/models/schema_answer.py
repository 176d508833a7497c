"""What a model wrote to the schema of :mod:`core.models.schema_calls`, read as it comes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from core.ids import new_id
from core.models.messages import Source, TextDelta, ToolCall
from core.models.schema_calls import REPLY

_REPLY_BEGUN: Final = re.compile(
    rf'\s*{{\s*"tool"\s*:\s*"{REPLY}"\s*,\s*(?:(?P<text>"text"\s*:\s*")|"points"\s*:\s*\[)',
    re.DOTALL,
)
_POINT_BEGUN: Final = re.compile(
    r'(?:"\s*}\s*,)?\s*{\s*"from"\s*:\s*(?P<n>\d{1,6})\s*,\s*"text"\s*:\s*"'
)
_TOOL_BEGUN: Final = re.compile(
    r'\s*{\s*"tool"\s*:\s*"(?P<name>(?:[^"\\]|\\.)+)"\s*,\s*"arguments"\s*:\s*', re.DOTALL
)
# As much of a string's inside as is certain: no escape that is not whole, no lone half of a pair.
_CERTAIN: Final = re.compile(
    r'(?:[^"\\]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}'
    r"|\\[^u])*"
)


@dataclass
class SchemaAnswer:
    """Feed it the answer's pieces. Text of a reply is given on as it comes, a call when whole."""

    _raw: str = ""
    _at: int = 0  # where the reply goes on
    _is_reply: bool = False
    _is_in_text: bool = False

    def feed(self, piece: str) -> list[TextDelta | Source]:
        """Return the text that is certain by now, of each point after the number it rests on."""
        self._raw += piece
        if not self._is_reply:
            begun = _REPLY_BEGUN.match(self._raw)
            if begun is None:
                return []
            self._is_reply, self._is_in_text = True, begun["text"] is not None
            self._at = begun.end()
        found: list[TextDelta | Source] = self._text()
        while point := _POINT_BEGUN.match(self._raw, self._at):
            self._at, self._is_in_text = point.end(), True
            found += [Source(int(point["n"])), *self._text()]
        return found

    def _text(self) -> list[TextDelta | Source]:
        certain = _CERTAIN.match(self._raw, self._at) if self._is_in_text else None
        if certain is None or certain.end() == self._at:
            return []
        self._at = certain.end()
        return [TextDelta(_decoded(certain.group()))]

    def finish(self) -> list[TextDelta | ToolCall]:
        """Return the call, if it is one. What was cut off within its arguments is given on as it
        is, for whoever reads them to say so; what is no answer of the schema, as text."""
        if self._is_reply or not self._raw.strip():
            return []
        begun = _TOOL_BEGUN.match(self._raw)
        if begun is None:
            return [TextDelta(self._raw)]
        arguments = self._raw[begun.end() :].rstrip()
        return [ToolCall(new_id("call"), _decoded(begun["name"]), arguments.removesuffix("}"))]


def _decoded(inside: str) -> str:
    """Return what the inside of a JSON string means."""
    text = json.loads(f'"{inside}"', strict=False)
    return str(text)

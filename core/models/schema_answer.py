"""What a model wrote to the schema of :mod:`core.models.schema_calls`, read as it comes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from core.ids import new_id
from core.models.messages import Quote, TextDelta, ToolCall
from core.models.schema_calls import REPLY

_STRING: Final = r'"((?:[^"\\]|\\.)*)"'
_REPLY_BEGUN: Final = re.compile(
    rf'\s*{{\s*"tool"\s*:\s*"{REPLY}"\s*,\s*(?:"quote"\s*:\s*{_STRING}\s*,\s*)?"text"\s*:\s*"',
    re.DOTALL,
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
    _at: int = 0  # where the reply's text goes on
    _is_reply: bool = False

    def feed(self, piece: str) -> list[TextDelta | Quote]:
        """Return the text that is certain by now, after the quote it rests on."""
        self._raw += piece
        found: list[TextDelta | Quote] = []
        if not self._is_reply:
            begun = _REPLY_BEGUN.match(self._raw)
            if begun is None:
                return []
            self._is_reply, self._at = True, begun.end()
            if begun.group(1):
                found.append(Quote(_decoded(begun.group(1))))
        certain = _CERTAIN.match(self._raw, self._at)
        if certain and certain.end() > self._at:
            found.append(TextDelta(_decoded(certain.group())))
            self._at = certain.end()
        return found

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

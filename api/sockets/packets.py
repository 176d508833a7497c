"""Socket.IO's packets: a bound on what a client may announce, and one writing for many readers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pydantic_core
from engineio import packet as engine
from socketio import packet
from socketio.packet import Packet

_MOST_ATTACHMENTS: Final = 8
_RESERVED: Final = ("connect", "disconnect", "*")


class QuickJson:
    """JSON as the library asks for it, but quicker: others wait while a packet is read, and a
    megabyte of numbers took the standard library 61 ms of a busy machine, this 8."""

    @staticmethod
    def loads(text: str) -> Any:
        try:
            return pydantic_core.from_json(text)
        except ValueError:  # half a surrogate pair, which is refused in words later
            return json.loads(text)

    @staticmethod
    def dumps(data: object, **_: object) -> str:
        try:
            return pydantic_core.to_json(data, inf_nan_mode="constants").decode()
        except ValueError:  # nested deeper than it goes, as what a tool answers may be
            return json.dumps(data)


class BoundedPacket(Packet):  # type: ignore[misc]
    """A packet of few binary parts, each of which the library keeps until the last has come."""

    json = QuickJson
    data: Any

    def decode(self, encoded_packet: str) -> int:
        """Return how many binary parts follow; raises ``ValueError`` for what cannot be read."""
        try:
            count: int = super().decode(encoded_packet)
        except RecursionError as error:
            raise ValueError("the packet is nested too deeply") from error
        if count > _MOST_ATTACHMENTS:
            raise ValueError("too many attachments")
        if self.packet_type in (packet.EVENT, packet.BINARY_EVENT):
            self.data = _named(self.data)
        return count


def _named(data: object) -> list[Any]:
    """Return an event under a name that is a text and not the library's own: by ``connect``,
    ``disconnect`` or ``*`` a client would call what is for the library to call."""
    if not isinstance(data, list) or not data:
        raise ValueError("an event without a name")
    name, *sent = data
    return [name if isinstance(name, str) and name not in _RESERVED else "", *sent]


def event_packets(event: str, data: object) -> Iterator[Callable[[], engine.Packet]]:
    """Yield what makes each transport packet of an event, for any number of sockets.

    A text is one packet for all of them. Bytes are a packet each, since a packet remembers how it
    was written, and polling clients are sent bytes in base64.
    """
    written = BoundedPacket(packet.EVENT, data=[event, data], namespace="/").encode()
    for part in written if isinstance(written, list) else [written]:
        if isinstance(part, str):
            shared = engine.Packet(engine.MESSAGE, part)
            yield partial(_same, shared)
        else:
            yield partial(engine.Packet, engine.MESSAGE, part)


def _same(shared: engine.Packet) -> engine.Packet:
    return shared

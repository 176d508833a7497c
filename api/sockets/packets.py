"""Socket.IO's packets with a bound on what the library lets a client announce."""

from __future__ import annotations

from typing import Final

from socketio.packet import Packet

_MOST_ATTACHMENTS: Final = 8


class BoundedPacket(Packet):  # type: ignore[misc]
    """A packet of few binary parts, each of which the library keeps until the last has come."""

    def decode(self, encoded_packet: str) -> int:
        """Return how many binary parts follow; raises ``ValueError`` for what cannot be read."""
        try:
            count: int = super().decode(encoded_packet)
        except RecursionError as error:
            raise ValueError("the packet is nested too deeply") from error
        if count > _MOST_ATTACHMENTS:
            raise ValueError("too many attachments")
        return count

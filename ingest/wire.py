"""Messages between the parser and its child: JSON after its length in four bytes."""

from __future__ import annotations

import json
import struct
from asyncio import StreamReader
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    """Return the bytes of ``message``."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Message | None:
    """Return the next message, ``None`` at the stream's end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    message: Message = json.loads(stream.read(length))
    return message


async def receive(stream: StreamReader) -> Message:
    """Return the next message; raises ``asyncio.IncompleteReadError`` at the stream's end."""
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    message: Message = json.loads(await stream.readexactly(length))
    return message

"""Messages between the parser and its child: JSON after its length in four bytes."""

from __future__ import annotations

import json
import struct
from asyncio import StreamReader
from typing import Annotated, Any, BinaryIO, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    StringConstraints,
    ValidationError,
)

_LENGTH = struct.Struct(">I")
MAX_REPLY_BYTES: Final = 256 * 1024 * 1024  # the largest text file, each piece with its place
MAX_FAILURE_CHARS: Final = 2000

Message = dict[str, Any]


class ReplyInvalid(ValueError):
    """A message of the child that is too large or not one of its replies."""


class Reply(BaseModel):
    """A message of the child: a step, or how a job ended."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ready: bool = False
    progress: tuple[Literal["parsing", "ocr"], NonNegativeInt, NonNegativeInt] | None = None
    failure: (
        tuple[
            Annotated[str, StringConstraints(max_length=40)],
            Annotated[str, StringConstraints(max_length=MAX_FAILURE_CHARS)],
        ]
        | None
    ) = None
    window: Message | None = None
    document: Message | None = None
    memory: NonNegativeInt = 0
    cpu_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0


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


async def receive(stream: StreamReader) -> Reply:
    """Return the child's next message.

    Raises ``asyncio.IncompleteReadError`` at the stream's end and ``ReplyInvalid``.
    """
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    if length > MAX_REPLY_BYTES:
        raise ReplyInvalid(f"a reply of {length} bytes")
    body = await stream.readexactly(length)
    try:
        return Reply.model_validate_json(body)
    except ValidationError as error:
        raise ReplyInvalid("a reply that cannot be read") from error

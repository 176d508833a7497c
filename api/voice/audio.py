"""Voice over sockets: the caller's samples in, the answer's samples out."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import Field

from api.access import READ
from api.errors import found
from api.sockets.connection import Connection, Leaving
from api.sockets.event import SocketCall, socket_event
from api.voice.budget import AudioBudget
from api.voice.schemas import AudioFormat
from api.wire import Wire
from copilot.voice.holding import Holding, hold
from copilot.voice.line import EndReason
from core.errors import Conflict, NotFound, PayloadTooLarge, ValidationFailed
from core.models.speech.pcm import LISTENING_RATE, SAMPLE_BYTES, SPEAKING_RATE, seconds_of
from core.rights import Role

_LARGEST_CHUNK: Final = LISTENING_RATE * SAMPLE_BYTES  # a second
_FORMAT: Final = AudioFormat(encoding="pcm16", sample_rate=LISTENING_RATE)
_SPOKEN: Final = {"encoding": "pcm16", "sampleRate": SPEAKING_RATE, "channels": 1}
_REASONS: Final[dict[Leaving, EndReason]] = {
    "gone": "hangup",
    "denied": "closed",
    "stopped": "lost",
}


class SessionRef(Wire):
    session_id: str = Field(max_length=100)


class AudioStart(SessionRef):
    format: AudioFormat = _FORMAT


class AudioChunk(SessionRef):
    """``data``: 16-bit little-endian samples of one channel at 16 kHz, at most a second of them,
    binary or base64; ``seq`` grows."""

    data: bytes | str
    seq: int | None = Field(None, ge=0)


@dataclass
class SocketLine:
    """A session's end of a socket; the copilot's door to it."""

    connection: Connection
    session_id: str

    async def transcript(self, role: Literal["user", "assistant"], text: str, final: bool) -> None:
        await self._send("audio:transcript", {"role": role, "text": text, "final": final})

    async def play(self, pcm: bytes, seq: int, final: bool) -> None:
        data = {"audio": pcm, "format": _SPOKEN, "seq": seq, "final": final}
        await self._send("audio:response", data)

    async def interrupted(self) -> None:
        await self._send("audio:interrupted", {})

    async def failed(self, code: str, message: str) -> None:
        await self._send("audio:error", {"code": code, "message": message})

    async def ended(self, reason: str) -> None:
        self.connection.held.pop(_name(self.session_id), None)
        if reason != "hangup":
            await self.failed("SESSION_ENDED", f"The session has ended ({reason}).")

    async def _send(self, event: str, data: dict[str, object]) -> None:
        await self.connection.send(event, {"sessionId": self.session_id, **data})


@dataclass
class Spoken:
    """A session that a connection holds."""

    holding: Holding
    needs: Role = Role.READ
    last_seq: int = -1
    budget: AudioBudget = field(default_factory=AudioBudget)

    @property
    def workspace_id(self) -> str:
        return self.holding.session.workspace_id

    async def close(self, reason: Leaving) -> None:
        await self.holding.end(_REASONS[reason])


@socket_event("audio:start", access=READ, domain="voice")
async def start_audio(call: SocketCall, payload: AudioStart) -> dict[str, object]:
    """Begin to talk in a session of the caller's; hanging up ends it."""
    if payload.format != _FORMAT:
        raise ValidationFailed("Send pcm16, one channel, at 16000 Hz.")
    connection, caller = call.connection, call.caller
    if connection.voice_session_id not in (None, payload.session_id):
        raise NotFound("The token of this socket is for another voice session.")
    name = _name(payload.session_id)
    if name in connection.held:
        raise Conflict("This session is being talked on already, on this socket.")
    async with call.services.store.unit(call.workspace_id) as unit:
        row = await unit.voice_sessions.get(payload.session_id, caller.user_id)
    session = found(row, "voice session")
    if session.channel == "twilio":
        raise ValidationFailed("The audio of this session comes by Twilio's Media Stream.")
    line = SocketLine(connection, session.id)
    connection.held[name] = Spoken(await hold(call.services, session, line))
    return {"sessionId": session.id, "format": _FORMAT.model_dump(by_alias=True)}


@socket_event("audio:chunk", access=READ, domain="voice", is_piece=True)
async def take_audio(call: SocketCall, payload: AudioChunk) -> None:
    """Take the next samples."""
    spoken = _spoken(call.connection, payload.session_id)
    pcm = _samples(payload.data)
    if payload.seq is not None:
        if payload.seq <= spoken.last_seq:
            raise ValidationFailed(
                f"seq {payload.seq} came after {spoken.last_seq}; it was thrown away."
            )
        spoken.last_seq = payload.seq
    spoken.budget.spend(seconds_of(pcm, LISTENING_RATE))
    await spoken.holding.feed(pcm)


@socket_event("audio:end", access=READ, domain="voice", is_piece=True)
async def end_audio(call: SocketCall, payload: SessionRef) -> None:
    """Say that all is said: it is answered at once; more may follow."""
    await _spoken(call.connection, payload.session_id).holding.talk.flush()


def _name(session_id: str) -> str:
    return f"voice:{session_id}"


def _spoken(connection: Connection, session_id: str) -> Spoken:
    held = connection.held.get(_name(session_id))
    if not isinstance(held, Spoken) or held.holding.is_over:
        raise Conflict("This session is not being talked on here; send audio:start first.")
    return held


def _samples(data: bytes | str) -> bytes:
    if isinstance(data, str):
        try:
            data = base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error) as error:
            raise ValidationFailed("data is no base64; send bytes, or base64.") from error
    if len(data) > _LARGEST_CHUNK:
        raise PayloadTooLarge("A chunk holds at most a second: 32000 bytes.")
    if len(data) % SAMPLE_BYTES:
        raise ValidationFailed("A chunk of 16-bit samples has an even number of bytes.")
    return data

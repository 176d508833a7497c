"""Voice on the wire."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from api.wire import Wire
from core.models.speech.providers import PROVIDERS

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Sid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,64}$")]
SecretText = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,500}$")]
Channel = Literal["web", "twilio", "daily"]


class TurnDetectionPatch(Wire):
    """How the end of an utterance is found: by voice activity, or by ``audio:end`` alone.

    ``threshold`` is the probability from which a frame counts as speech; a pause of
    ``silenceDurationMs`` ends what is said.
    """

    type: Literal["vad", "none"] = "vad"
    threshold: float = Field(0.5, ge=0.05, le=0.95)
    silence_duration_ms: int = Field(500, ge=100, le=3000)


class TurnDetection(TurnDetectionPatch):
    """How the end of an utterance is found here."""


class RecordingPatch(Wire):
    """Whether both sides of each session are recorded; ``retentionDays`` after its end a recording
    is deleted, ``null`` keeps it as long as the workspace. Tell callers, by the greeting say."""

    enabled: bool = False
    retention_days: int | None = Field(None, ge=1, le=3650)


class RecordingSettings(RecordingPatch):
    """Whether sessions are recorded here."""


class TwilioPatch(Wire):
    account_sid: Sid | None = None
    auth_token: SecretText | None = None


class DailyPatch(Wire):
    """``webhookSecret`` is what Daily calls ``hmac``, in base64."""

    webhook_secret: SecretText | None = None

    @field_validator("webhook_secret")
    @classmethod
    def _is_base64(cls, value: str | None) -> str | None:
        if value is not None:
            base64.b64decode(value, validate=True)
        return value


class VoiceConfigPatch(Wire):
    """Absent fields stay, ``null`` clears; secrets are written and never shown."""

    provider: str = ""
    language: Language = "en"
    voice_id: ShortText | None = None
    greeting: ShortText | None = None
    system_prompt: LongText | None = None
    model: ShortText | None = None
    knowledge_base_ids: list[str] = Field(default=[], max_length=50)
    turn_detection: TurnDetectionPatch = TurnDetectionPatch()
    max_duration_seconds: int = Field(900, ge=10, le=7200)
    recording: RecordingPatch | None = None
    twilio: TwilioPatch | None = None
    daily: DailyPatch | None = None

    @model_validator(mode="after")
    def _provider_exists(self) -> VoiceConfigPatch:
        if "provider" in self.model_fields_set and self.provider not in PROVIDERS:
            raise ValueError(f"provider is one of {', '.join(PROVIDERS)}")
        return self


class TwilioAnswer(Wire):
    """``webhookUrl`` is what to set as the number's voice URL at Twilio."""

    account_sid: str | None
    has_auth_token: bool
    webhook_url: str


class DailyAnswer(Wire):
    """``webhookUrl`` is what to create the webhook with at Daily."""

    has_webhook_secret: bool
    webhook_url: str


class VoiceConfigAnswer(Wire):
    provider: str
    language: str
    voice_id: str | None
    greeting: str | None
    system_prompt: str | None
    model: str | None
    knowledge_base_ids: list[str]
    turn_detection: TurnDetection
    max_duration_seconds: int
    recording: RecordingSettings
    twilio: TwilioAnswer
    daily: DailyAnswer
    updated_at: datetime | None


class NewVoiceSession(Wire):
    """``workflowId`` has each utterance run a deployed workflow; else ``mode`` is the copilot's.

    ``room`` is the name of a room at Daily, whose end ends the session.
    """

    channel: Channel
    workflow_id: str | None = Field(None, max_length=200)
    mode: str | None = Field(None, max_length=100)
    room: ShortText | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> NewVoiceSession:
        if self.workflow_id is not None and self.mode is not None:
            raise ValueError("give workflowId or mode, not both")
        if self.room is not None and self.channel != "daily":
            raise ValueError("only the channel daily has a room")
        return self


class AudioFormat(Wire):
    """What the caller sends: one channel, ``sampleRate`` in Hz."""

    encoding: Literal["pcm16", "mulaw"]
    sample_rate: int
    channels: Literal[1] = 1


class Line(Wire):
    """Something that was said; ``latencyMs`` tells of an answer what took how long."""

    role: Literal["user", "assistant"]
    text: str
    at: datetime
    interrupted: bool = False
    latency_ms: dict[str, int] = Field(default={})


class Recording(Wire):
    """``status`` is ``ready`` once ``GET …/recording`` gives it; ``complete`` tells then whether it
    reaches to the session's end: not where the process was killed. ``durationMs`` is so far."""

    status: Literal["recording", "ready"]
    complete: bool | None
    duration_ms: int
    size: int  # bytes of the WAV file
    expires_at: datetime | None


class VoiceSessionAnswer(Wire):
    """``latencyMs`` holds the medians over the session's answers; ``recording`` is ``null`` where
    there is none, or none any more."""

    id: str
    channel: Channel
    status: Literal["waiting", "active", "ended"]
    end_reason: str | None
    mode: str | None
    workflow_id: str | None
    chat_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    transcript: list[Line]
    latency_ms: dict[str, int]
    recording: Recording | None


class NewVoiceSessionAnswer(Wire):
    """``token`` opens a socket for this session alone, until it ends; it is shown once.
    ``recorded``: what is said will be kept as sound."""

    id: str
    token: str
    status: Literal["waiting"]
    channel: Channel
    expires_at: datetime
    format: AudioFormat
    recorded: bool


class EventTaken(Wire):
    """``repeated``: it came before, and nothing was done."""

    received: Literal[True] = True
    repeated: bool = False

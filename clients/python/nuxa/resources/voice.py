"""Conversations by voice: their settings, and sessions whose audio goes through sockets."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from nuxa.requests import Door, Json, Listing, Request, Resource, keyed, listing, method
from nuxa.voice_models import NewVoiceSession, VoiceConfig, VoiceSession


class Voice(Resource[Door]):
    @method
    def config(self) -> Request[VoiceConfig]:
        return Request("GET", "/api/voice/config", VoiceConfig)

    @method
    def update(self, changes: Json) -> Request[VoiceConfig]:
        """Change settings: ``update({"greeting": "Hello"})``; ``None`` clears."""
        return Request("POST", "/api/voice/config", VoiceConfig, json=changes)

    @method
    def create(
        self, session: Json, *, idempotency_key: str | None = None
    ) -> Request[NewVoiceSession]:
        """Begin a session: ``create({"channel": "web", "mode": …})``."""
        headers = keyed(idempotency_key)
        return Request("POST", "/api/voice/session", NewVoiceSession, json=session, headers=headers)

    @listing
    def sessions(self) -> Listing[VoiceSession]:
        """Iterate over sessions, newest first."""
        return Listing("/api/voice/session", VoiceSession)

    @method
    def session(self, session_id: str) -> Request[VoiceSession]:
        """Return a session with all that was said."""
        return Request("GET", f"/api/voice/session/{session_id}", VoiceSession)

    @method
    def recording(self, session_id: str, to: str | PathLike[str]) -> Request[Path]:
        """Write what was said to disk, a WAV file; return where."""
        return Request("GET", f"/api/voice/session/{session_id}/recording", save_to=Path(to))

    @method
    def end(self, session_id: str) -> Request[None]:
        return Request("DELETE", f"/api/voice/session/{session_id}")

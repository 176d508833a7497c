"""How a workspace speaks: what it has set, and what holds where it has set nothing."""

from __future__ import annotations

from typing import Any, Final

from core.models.speech.providers import LOCAL
from core.store.voice_configs import VoiceConfig

DEFAULTS: Final[dict[str, Any]] = {
    "provider": LOCAL,
    "language": "en",
    "voice_id": None,
    "greeting": None,
    "system_prompt": None,
    "model": None,
    "base_ids": [],
    "turn_detection": {"type": "vad", "threshold": 0.5, "silence_duration_ms": 500},
    "max_duration_seconds": 900,
    "recording": {"enabled": False, "retention_days": None},
}
_SECRETS: Final = ("twilio_account_sid", "sealed_twilio_auth_token", "sealed_daily_webhook_secret")


def columns_of(config: VoiceConfig | None) -> dict[str, Any]:
    """Return all columns that a change may leave as they are, the sealed secrets among them."""
    return settings_of(config) | {name: getattr(config, name, None) for name in _SECRETS}


def settings_of(config: VoiceConfig | None) -> dict[str, Any]:
    """Return what a session is held by, as plain JSON."""
    return {name: getattr(config, name, default) for name, default in DEFAULTS.items()}

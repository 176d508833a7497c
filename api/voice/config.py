"""How a workspace speaks, and the secrets of the services that bring it calls."""

from __future__ import annotations

from typing import Any, Final

from api.access import ADMIN, READ
from api.call import Call
from api.endpoint import endpoint
from api.voice.schemas import DailyAnswer, TwilioAnswer, VoiceConfigAnswer, VoiceConfigPatch
from copilot.bases import bases_of
from copilot.models import require_model
from copilot.voice.settings import DEFAULTS, columns_of, settings_of
from core.errors import ValidationFailed
from core.models.speech.door import check_voice
from core.models.speech.providers import LOCAL
from core.store.voice_configs import VoiceConfig

_NAMES: Final = {"knowledge_base_ids": "base_ids"}  # fields whose column is named otherwise


@endpoint("GET", "/api/voice/config", access=READ)
async def get_voice_config(call: Call) -> VoiceConfigAnswer:
    """Return the workspace's voice settings; secrets are never shown."""
    return _answer(call, await call.unit.voice_configs.get())


@endpoint("POST", "/api/voice/config", access=ADMIN)
async def update_voice_config(call: Call, body: VoiceConfigPatch) -> VoiceConfigAnswer:
    """Change voice settings: absent fields stay, ``null`` clears; secrets are sealed at rest.

    A ``provider`` other than ``local`` is asked with the workspace's own key of it.
    """
    changes = body.changes()
    await _check(call, changes)
    columns = columns_of(await call.unit.voice_configs.get(to_change=True))
    columns |= _secrets(call, changes.pop("twilio", {}), changes.pop("daily", {}))
    for name, value in changes.items():
        column = _NAMES.get(name, name)
        if isinstance(value, dict):
            value = {**columns[column], **value}
        columns[column] = DEFAULTS[column] if value is None else value
    row = await call.unit.voice_configs.put({**columns, "updated_by": call.user_id})
    call.audit("voice_config.saved", fields=", ".join(sorted(body.model_fields_set)))
    return _answer(call, row)


async def _check(call: Call, changes: dict[str, Any]) -> None:
    """Raise for a model or provider that is not on offer, and for bases that are not there."""
    unit = call.unit
    own = await unit.model_providers.names()
    require_model(changes.get("model"), call.services.settings, own)
    provider = changes.get("provider") or LOCAL
    if provider != LOCAL and provider not in own:
        raise ValidationFailed(
            f"The workspace has no key of {provider}: save one under its model-providers first."
        )
    columns = columns_of(await unit.voice_configs.get(to_change=True))
    after = columns | {name: value for name, value in changes.items() if value is not None}
    voice = changes.get("voice_id", columns["voice_id"])
    check_voice(call.services.settings, after["provider"], after["language"], voice)
    if changes.get("knowledge_base_ids"):
        await bases_of(unit, changes["knowledge_base_ids"])


def _secrets(
    call: Call, twilio: dict[str, Any] | None, daily: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the columns that hold what was given of the other services, None to clear."""
    if twilio is None:
        twilio = {"account_sid": None, "auth_token": None}
    if daily is None:
        daily = {"webhook_secret": None}
    sealed = {"auth_token": "sealed_twilio_auth_token"}
    sealed |= {"webhook_secret": "sealed_daily_webhook_secret"}
    columns: dict[str, Any] = {}
    for name, value in {**twilio, **daily}.items():
        if name in sealed:
            columns[sealed[name]] = value if value is None else call.services.sealer.seal(value)
        else:
            columns["twilio_account_sid"] = value
    return columns


def _webhook_url(call: Call, service: str) -> str:
    base = call.services.settings.base_url
    return f"{base}/api/voice/webhook/{service}?workspaceId={call.workspace_id}"


def _answer(call: Call, row: VoiceConfig | None) -> VoiceConfigAnswer:
    shown = settings_of(row)
    return VoiceConfigAnswer(
        **{name: value for name, value in shown.items() if name != "base_ids"},
        knowledge_base_ids=shown["base_ids"],
        twilio=TwilioAnswer(
            account_sid=row.twilio_account_sid if row else None,
            has_auth_token=bool(row and row.sealed_twilio_auth_token),
            webhook_url=_webhook_url(call, "twilio"),
        ),
        daily=DailyAnswer(
            has_webhook_secret=bool(row and row.sealed_daily_webhook_secret),
            webhook_url=_webhook_url(call, "daily"),
        ),
        updated_at=row.updated_at if row else None,
    )

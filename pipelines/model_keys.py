"""The workspace's own key with a model's provider, for whoever asks a model on its behalf."""

from __future__ import annotations

from pydantic import SecretStr

from core.models import chat
from core.models.hosted import provider_of
from core.services import Services


async def own_key(services: Services, workspace_id: str, model: str | None) -> SecretStr | None:
    """Return the key, None where the operator's is to be used; ``model`` None is the configured."""
    provider = provider_of(model or chat.configured_model())
    if provider is None:
        return None
    async with services.store.unit(workspace_id) as unit:
        sealed = await unit.model_providers.sealed_key(provider)
    return SecretStr(services.sealer.open(sealed)) if sealed else None

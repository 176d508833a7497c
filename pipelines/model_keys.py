"""The workspace's own key with a model's provider, for whoever asks a model on its behalf."""

from __future__ import annotations

from pydantic import SecretStr

from core.models import chat
from core.models.hosted import provider_of
from core.security import Sealer
from core.services import Services
from core.store.unit import Store


async def own_key(services: Services, workspace_id: str, model: str | None) -> SecretStr | None:
    """Return the key, None where the operator's is to be used; ``model`` None is the configured."""
    return await read_own_key(services.store, services.sealer, workspace_id, model)


async def read_own_key(
    store: Store, sealer: Sealer, workspace_id: str, model: str | None
) -> SecretStr | None:
    """Return the key as :func:`own_key` does, for a process without services."""
    provider = provider_of(model or chat.configured_model())
    if provider is None:
        return None
    async with store.unit(workspace_id) as unit:
        sealed = await unit.model_providers.sealed_key(provider)
    return SecretStr(sealer.open(sealed)) if sealed else None

"""Rotation: every sealed value, whatever table it is in, opens with the new key alone."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text

from core.config import Settings
from core.rotation import Rotated, rotate
from core.security import SealBroken, Sealer
from core.services import Services, seal_keys
from core.store import sealed
from core.store.sealed import sealed_columns
from tests.conftest import Owner

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def _keyed(settings: Settings, *keys: str) -> Settings:
    return settings.model_copy(update={"secret_key": SecretStr(",".join(keys))})


def test_the_convention_finds_all_there_is() -> None:
    found = {f"{table.name}.{column}" for table, column in sealed_columns()}
    assert found >= {
        "secrets.sealed",
        "block_logs.sealed_output",
        "model_providers.sealed_key",
        "idempotency_keys.sealed_answer",
    }


def test_keys_stand_in_the_setting_or_the_file(settings: Settings) -> None:
    assert seal_keys(_keyed(settings, OLD, NEW)) == [OLD, NEW]
    assert len(seal_keys(settings)) == 1


async def _fill(services: Services, owner: Owner, sealer: Sealer) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        for number in range(7):
            await unit.secrets.put(f"S{number}", sealer.seal(f"v{number}"))
        await unit.model_providers.put("openai", sealer.seal("sk-1"))


async def test_all_is_sealed_anew_and_stays_what_it_was(
    services: Services, owner: Owner, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_BATCH", 2)
    await _fill(services, owner, Sealer([OLD]))
    before = await _secrets(services, owner)
    assert await rotate(_keyed(settings, NEW, OLD)) == Rotated(sealed=8, current=0, broken=0)
    after = await _secrets(services, owner)
    assert {name: Sealer([NEW]).open(value) for name, (value, _) in after.items()} == {
        f"S{number}": f"v{number}" for number in range(7)
    }
    assert [changed for _, changed in after.values()] == [changed for _, changed in before.values()]
    assert await rotate(_keyed(settings, NEW, OLD)) == Rotated(sealed=0, current=8, broken=0)


async def test_what_was_interrupted_goes_on(
    services: Services, owner: Owner, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_BATCH", 2)
    await _fill(services, owner, Sealer([OLD]))
    reseal, count = Sealer.reseal, 0

    def breaks(self: Sealer, value: str) -> str | None:
        nonlocal count
        count += 1
        if count > 4:
            raise KeyboardInterrupt
        return reseal(self, value)

    with monkeypatch.context() as patch:
        patch.setattr(Sealer, "reseal", breaks)
        with pytest.raises(KeyboardInterrupt):
            await rotate(_keyed(settings, NEW, OLD))
    # Of the four that were sealed anew the last one's batch was never committed.
    assert await rotate(_keyed(settings, NEW, OLD)) == Rotated(sealed=5, current=3, broken=0)


async def test_what_no_key_opens_is_counted_and_left(
    services: Services, owner: Owner, settings: Settings
) -> None:
    await _fill(services, owner, Sealer([OLD]))
    before = await _secrets(services, owner)
    assert await rotate(_keyed(settings, NEW)) == Rotated(sealed=0, current=0, broken=8)
    assert await _secrets(services, owner) == before
    with pytest.raises(SealBroken):
        Sealer([NEW]).open(before["S0"][0])


async def _secrets(services: Services, owner: Owner) -> dict[str, tuple[str, object]]:
    statement = text("SELECT name, sealed, updated_at FROM secrets ORDER BY name")
    async with services.store.engine.connect() as connection:
        rows = await connection.execute(statement)
        return {row.name: (row.sealed, row.updated_at) for row in rows}

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from api import addresses
from core.config import Settings, get_settings
from core.errors import ServiceUnavailable


async def test_a_process_gets_the_addresses_that_are_announced_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "addresses.json"
    monkeypatch.setenv(addresses.FILE_VARIABLE, str(file))
    monkeypatch.setenv("NUXA_DATABASE_URL", "postgresql://before")
    monkeypatch.setenv("NUXA_REDIS_URL", "redis://before")
    waiting = asyncio.create_task(asyncio.to_thread(addresses.awaited, Settings()))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    told = {"NUXA_DATABASE_URL": "postgresql://after", "NUXA_REDIS_URL": "redis://after"}
    addresses.announce(file, told)
    settings = await waiting
    assert (settings.database_url, settings.redis_url) == ("postgresql://after", "redis://after")
    assert get_settings() is settings
    assert file.stat().st_mode & 0o077 == 0, "it holds a password"


def test_who_was_told_where_to_look_by_nobody_does_not_wait() -> None:
    settings = Settings()
    assert addresses.awaited(settings) is settings


def test_a_launcher_that_never_announces_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "_WAIT_SECONDS", 0)
    monkeypatch.setenv(addresses.FILE_VARIABLE, str(tmp_path / "addresses.json"))
    with pytest.raises(ServiceUnavailable, match=r"addresses\.json"):
        addresses.awaited(Settings())

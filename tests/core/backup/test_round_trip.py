"""Everything comes back: rows, search, bytes and sealed secrets, in a place that knew nothing."""

from __future__ import annotations

import asyncio
import secrets
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from core.backup import NotEmpty, NotRestorable, backup, restore
from core.config import Settings
from core.errors import Conflict
from core.ids import new_id
from core.services import Services, open_services
from core.store.files import File
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

CONTENT = b"What was uploaded.\n" * 5000


@pytest.fixture
async def elsewhere(settings: Settings, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings of another service: an empty database and an empty data directory."""
    assert settings.database_url is not None
    name = f"nuxa_test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(settings.database_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(settings.database_url)._replace(path=f"/{name}"))
    yield settings.model_copy(update={"database_url": url, "data_dir": tmp_path / "elsewhere"})
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def _filled(services: Services, owner: Owner) -> str:
    """Write some of everything; return the file's id."""
    base = await make_base(services.store, owner.workspace_id)
    await add_document(services.store, base, ["The slipway is closed.", "Varnish dries."])

    async def pieces() -> AsyncIterator[bytes]:
        yield CONTENT

    stored = await services.blobs.put(pieces(), 1_000_000)
    file = File(
        id=new_id("file"), name="a.txt", size=stored.size, mime_type="text/plain",
        checksum=stored.checksum, blob_key=stored.key,
    )  # fmt: skip
    async with services.store.unit(owner.workspace_id) as unit:
        unit.files.add(file)
        await unit.secrets.put("TOKEN", services.sealer.seal("the secret value"))
    return file.id


async def _rows(url: str) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    connection = await asyncpg.connect(url)
    names = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    rows = {}
    for (name,) in names:
        found = await connection.fetch(f"SELECT t::text FROM {name} t ORDER BY 1")
        rows[name] = [row[0] for row in found]
    await connection.close()
    return rows


async def test_everything_comes_back(
    services: Services, owner: Owner, elsewhere: Settings, tmp_path: Path
) -> None:
    file_id = await _filled(services, owner)
    archive = tmp_path / "all.tar"
    made = await backup(services.settings, str(services.settings.database_url), archive)
    assert (made.blobs, made.has_key) == (1, True)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert await restore(elsewhere, str(elsewhere.database_url), archive) == 1

    before = await _rows(str(services.settings.database_url))
    assert await _rows(str(elsewhere.database_url)) == before
    assert len(before["chunks"]) == len(before["vectors"]) == 2
    async with open_services(elsewhere) as there:
        async with there.store.unit(owner.workspace_id) as unit:
            file = await unit.files.get(file_id)
            sealed = await unit.secrets.all_sealed()
        assert file is not None
        pieces = [piece async for piece in there.blobs.read(file.blob_key)]
        assert b"".join(pieces) == CONTENT
        assert there.sealer.open(sealed["TOKEN"]) == "the secret value"


async def test_nothing_in_use_is_replaced_unasked(
    services: Services, owner: Owner, tmp_path: Path
) -> None:
    archive, url = tmp_path / "all.tar", str(services.settings.database_url)
    await backup(services.settings, url, archive)
    before = await _rows(url)
    with pytest.raises(NotEmpty):
        await restore(services.settings, url, archive)
    assert await _rows(url) == before
    with pytest.raises(Conflict):
        await backup(services.settings, url, archive)


async def test_a_service_that_has_sealed_nothing_yet_has_its_key_in_the_backup(
    elsewhere: Settings, settings: Settings, tmp_path: Path
) -> None:
    archive = tmp_path / "all.tar"
    fresh = settings.model_copy(update={"data_dir": tmp_path / "fresh"})
    assert (await backup(fresh, str(fresh.database_url), archive)).has_key
    await restore(elsewhere, str(elsewhere.database_url), archive)
    keys = [(place.data_dir / "secret.key").read_text() for place in (fresh, elsewhere)]
    assert keys[0] == keys[1]


async def test_a_backup_whose_key_is_not_at_hand_is_refused(
    services: Services, elsewhere: Settings, tmp_path: Path
) -> None:
    first, second = (SecretStr(Fernet.generate_key().decode()) for _ in range(2))
    archive = tmp_path / "all.tar"
    sealed = services.settings.model_copy(update={"secret_key": first})
    made = await backup(sealed, str(sealed.database_url), archive)
    assert not made.has_key
    wrong = elsewhere.model_copy(update={"secret_key": second})
    with pytest.raises(NotRestorable, match="NUXA_SECRET_KEY"):
        await restore(wrong, str(wrong.database_url), archive)
    assert await _rows(str(wrong.database_url)) == {}


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100])
async def test_what_is_no_backup_is_refused(
    elsewhere: Settings, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "all.tar"
    await asyncio.to_thread(file.write_bytes, content)
    with pytest.raises(NotRestorable):
        await restore(elsewhere, str(elsewhere.database_url), file)

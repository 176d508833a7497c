from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from core.security import (
    SealBroken,
    Sealer,
    hash_password,
    hash_token,
    load_or_make_key,
    new_token,
    verify_password,
)


async def test_a_password_matches_only_its_own_hash() -> None:
    stored = await hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert await verify_password("correct horse", stored)
    assert not await verify_password("wrong horse", stored)
    assert not await verify_password("correct horse", None)
    assert not await verify_password("correct horse", "no hash at all")


def test_tokens_are_random_and_stored_as_hashes() -> None:
    token = new_token("nuxa_")
    assert token.startswith("nuxa_")
    assert token != new_token("nuxa_")
    assert hash_token(token) == hash_token(token)
    assert token not in hash_token(token)


def test_keys_rotate_and_foreign_seals_stay_shut() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = Sealer([old]).seal("s3cret")
    assert "s3cret" not in sealed
    assert Sealer([new, old]).open(sealed) == "s3cret"
    with pytest.raises(SealBroken, match="NUXA_SECRET_KEY"):
        Sealer([new]).open(sealed)


def test_a_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    key = load_or_make_key(path)
    assert load_or_make_key(path) == key
    assert path.stat().st_mode & 0o077 == 0

"""A base of the member's."""

from __future__ import annotations

import pytest

from tests.api.conftest import Member


@pytest.fixture
async def base_path(member: Member) -> str:
    made = await member.program.post("/api/knowledge", json={"name": "Handbook"})
    assert made.status_code == 201, made.text
    return f"/api/knowledge/{made.json()['id']}"

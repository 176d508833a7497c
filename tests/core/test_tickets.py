"""Tickets work once, in time, and for what they were made for."""

from __future__ import annotations

import asyncio

from core import tickets
from core.services import Services


async def test_of_many_who_redeem_at_once_one_gets_it(services: Services) -> None:
    token = await tickets.issue(services.redis, "reset", {"userId": "u"}, 60)
    redeeming = (tickets.redeem(services.redis, "reset", token) for _ in range(10))
    values = await asyncio.gather(*redeeming)
    assert [value for value in values if value is not None] == [{"userId": "u"}]


async def test_a_ticket_for_one_purpose_is_none_for_another(services: Services) -> None:
    token = await tickets.issue(services.redis, "reset", {"userId": "u"}, 60)
    assert await tickets.redeem(services.redis, "socket", token) is None
    assert await tickets.redeem(services.redis, "reset", token) == {"userId": "u"}

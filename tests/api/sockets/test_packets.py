"""Packets as they are written and read."""

from __future__ import annotations

import json
from typing import Any

from api.sockets.packets import BoundedPacket, QuickJson


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_what_is_nested_deeper_than_the_quick_way_goes_is_written_all_the_same() -> None:
    for depth in (10, 253, 254, 400):
        assert json.loads(QuickJson.dumps(_nested(depth))) == _nested(depth)


def test_a_name_of_the_librarys_own_is_taken_away_and_what_was_sent_stays() -> None:
    packet = BoundedPacket(encoded_packet='217["disconnect",{"a":1}]')
    assert (packet.id, packet.data) == (17, ["", {"a": 1}])
    assert BoundedPacket(encoded_packet='2["a","disconnect"]').data == ["a", "disconnect"]

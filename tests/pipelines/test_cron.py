"""Cron expressions in time zones, over both changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from core.errors import ValidationFailed
from pipelines.cron import fires_after, fires_before, zone_of

NEW_YORK, LORD_HOWE = "America/New_York", "Australia/Lord_Howe"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "cron", "start", "fires"),
    [
        # 02:30 is left out on 8 March: it fires right after the gap.
        (NEW_YORK, "30 2 * * *", "2026-03-07T08:00", ["08T07:00", "09T06:30"]),
        (NEW_YORK, "0 * * * *", "2026-03-08T05:30", ["08T06:00", "08T07:00", "08T08:00"]),
        # 01:30 comes twice on 1 November: a daily one fires in the first.
        (NEW_YORK, "30 1 * * *", "2026-11-01T00:00", ["01T05:30", "02T06:30"]),
        (NEW_YORK, "0 * * * *", "2026-11-01T04:30", ["01T05:00", "01T06:00", "01T07:00"]),
        # Half an hour is what changes on Lord Howe.
        (LORD_HOWE, "15 2 * * *", "2026-10-03T12:00", ["03T15:30", "04T15:15"]),
        (LORD_HOWE, "*/30 * * * *", "2026-04-04T14:10", ["04T14:30", "04T15:00", "04T15:30"]),
        ("UTC", "0 0 29 2 *", "2026-01-01T00:00", ["29T00:00"]),
    ],
)
def test_fire_times(zone: str, cron: str, start: str, fires: list[str]) -> None:
    found = islice(fires_after(cron, zone, at(start)), len(fires))
    assert [f"{fire:%dT%H:%M}" for fire in found] == fires


@pytest.mark.parametrize("zone", [NEW_YORK, LORD_HOWE, "Europe/Berlin"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1,2,3 * * *", "15 * * * *"])
def test_backwards_is_the_same_as_forwards_and_no_time_comes_twice(zone: str, cron: str) -> None:
    begin, end = at("2026-01-01T00:00"), at("2027-01-01T00:00")
    forwards = list(takewhile(lambda fire: fire <= end, fires_after(cron, zone, begin)))
    backwards = list(takewhile(lambda fire: fire > begin, fires_before(cron, zone, end)))
    assert forwards == backwards[::-1] == sorted(set(forwards))
    some = forwards[::17]
    assert [next(fires_before(cron, zone, fire)) for fire in some] == some
    late = [next(fires_before(cron, zone, fire + timedelta(seconds=59))) for fire in some]
    assert late == some


@pytest.mark.parametrize(
    "cron", ["", "x", "* * * *", "* * * * * *", "60 * * * *", "@daily", "0 0 1 13 *", "0 0 30 2 *"]
)
def test_what_is_no_expression_is_refused(cron: str) -> None:
    with pytest.raises(ValidationFailed):
        next(fires_after(cron, "UTC", at("2026-01-01T00:00")))


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime", "a\0b"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationFailed):
        zone_of(zone)

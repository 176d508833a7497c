"""When a schedule fires: cron expressions in a time zone, as Debian's cron reads them.

Where clocks go forward, what was to fire in the hour that is left out fires right after it. Where
they go back, an expression with a fixed hour fires in the first of the two equal hours only, and
one for every hour or every few minutes goes on in both. So each fire time comes once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from core.errors import ValidationFailed

_FIELDS = 5


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone of IANA's; raise ``ValidationFailed`` for any other name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationFailed(
            f"There is no time zone {name!r}; use a name of IANA's such as Europe/Berlin or UTC."
        ) from error


def fires_after(cron: str, zone: str, moment: datetime) -> Iterator[datetime]:
    """Yield the fire times after a moment, in UTC; ends where no more come in fifty years.

    Raises ``ValidationFailed`` for what is no expression of five fields.
    """
    for fire in _simulated(cron, moment.astimezone(zone_of(zone))):
        yield fire.astimezone(UTC)


def fires_before(cron: str, zone: str, moment: datetime) -> Iterator[datetime]:
    """Yield the fire times up to a moment, itself included, in UTC, the latest first."""
    local = (moment + timedelta(minutes=1)).astimezone(zone_of(zone))
    for fire in _simulated(cron, local, reverse=True):
        if fire <= moment:
            yield fire.astimezone(UTC)


def _simulated(cron: str, local: datetime, *, reverse: bool = False) -> CronSim:
    if len(cron.split()) != _FIELDS:
        raise ValidationFailed(
            f"{cron!r} has not the five fields minute, hour, day, month and weekday."
        )
    try:
        return CronSim(cron, local, reverse=reverse)
    except CronSimError as error:
        raise ValidationFailed(f"{cron!r} is no cron expression: {error}.") from error

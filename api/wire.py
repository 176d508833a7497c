"""How our data looks on the wire: camelCase, UTC times with ``Z``, nothing unknown let in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Flag = Annotated[bool, Field(strict=True)]  # of a body: 0 and "no" are none
Password = Annotated[str, StringConstraints(min_length=8, max_length=200)]
# Deliverability is shown by a mail that arrives, not by grammar.
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$"
    ),
]


_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]")


def _written(value: object) -> object:
    """Let no number through: Pydantic would take it for seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("must be a time with its zone, as in 2030-01-31T00:00:00Z")


def _in_utc(value: datetime) -> datetime:
    """Return the time in UTC, where the first and the last hours of the calendar may have none."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_utc)]

# The start and the end of a range of times, by any of the names that records have for them.
Since = Annotated[
    Moment | None, Field(validation_alias=AliasChoices("since", "from", "startedAt", "startTime"))
]
Until = Annotated[
    Moment | None, Field(validation_alias=AliasChoices("until", "to", "endedAt", "endTime"))
]


def left_away() -> Any:
    """Return a field that an answer has only where there is something to say; else ``None``."""
    return Field(default=None, exclude_if=lambda value: value is None)


class Wire(BaseModel):
    """A body, a query or an answer: snake_case in Python, camelCase on the wire.

    Made from a row with ``Answer.model_validate(row)``.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        from_attributes=True,
        json_schema_serialization_defaults_required=True,  # an answer has all of its fields
    )

    def changes(self) -> dict[str, Any]:
        """Return what the caller really sent: absent fields stay away, ``null`` is ``None``."""
        return self.model_dump(exclude_unset=True)

"""Calendars and invitations (iCalendar, RFC 5545): each event in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ingest.document import Piece

_BEGINS: Final = re.compile(r"\A\s*BEGIN:VCALENDAR\s*$", re.IGNORECASE | re.MULTILINE)
_TIMES: Final = {"DTSTART": "Begins", "DTEND": "Ends", "DURATION": "Lasts", "DUE": "Due"}
_PEOPLE: Final = {"ORGANIZER": "Organizer", "ATTENDEE": "Attendee"}
_LABELS: Final = {
    **_TIMES,
    **_PEOPLE,
    "RRULE": "Repeats",
    "LOCATION": "Where",
    "STATUS": "Status",
}
_EVENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")

_Property = tuple[str, dict[str, str], str]  # name, parameters and value


def read(text: str) -> list[Piece] | None:
    """Return the events of a calendar, ``None`` for a text that is none.

    An event is its name as a title, its facts on a line each, and what it is about.
    """
    if not _BEGINS.match(text):
        return None
    return [piece for event in _events(text) for piece in _told(event)]


def _events(text: str) -> Iterator[list[_Property]]:
    # line by line: the library's own components are none where a file breaks off
    inside: list[str] = []
    event: list[_Property] = []
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            inside.append(value.upper())
            event = [] if value.upper() in _EVENTS else event
        elif name == "END" and inside:
            if inside.pop() in _EVENTS:
                yield event
        elif inside and inside[-1] in _EVENTS:  # and not of an alarm in it
            event.append((name, parameters, value))


def _properties(text: str) -> Iterator[_Property]:
    from icalendar.parser import Contentlines  # the last of which is always empty

    for line in Contentlines.from_ical(text.strip())[:-1]:  # type: ignore[no-untyped-call]
        try:
            name, parameters, value = line.parts()
        except ValueError:  # a damaged line: the others still tell the event
            continue
        yield name.upper(), {k.upper(): _joined(v) for k, v in parameters.items()}, value.strip()


def _joined(parameter: str | list[str]) -> str:
    words = parameter if isinstance(parameter, str) else ", ".join(parameter)
    return " ".join(words.split())


def _told(event: list[_Property]) -> Iterator[Piece]:
    said = {name: value for name, _, value in reversed(event)}
    if title := " ".join(said.get("SUMMARY", "").split()):
        yield Piece("title", title)
    facts = [
        f"{_LABELS[name]}: {shown}"
        for name, parameters, value in event
        if name in _LABELS and (shown := _shown(name, parameters, value))
    ]
    if facts:
        yield Piece("text", "\n".join(facts))
    if about := said.get("DESCRIPTION"):
        yield Piece("text", about)


def _shown(name: str, parameters: dict[str, str], value: str) -> str:
    if name in _PEOPLE:
        return _person(parameters.get("CN", ""), value)
    return _moment(parameters, value) if name in _TIMES else " ".join(value.split())


def _person(name: str, uri: str) -> str:
    address = re.sub(r"\Amailto:", "", uri, flags=re.IGNORECASE)
    return f"{name} <{address}>" if name and name != address else address


def _moment(parameters: dict[str, str], value: str) -> str:
    from icalendar import vDDDTypes

    zone = parameters.get("TZID")
    try:
        moment = vDDDTypes.from_ical(value, zone)  # type: ignore[no-untyped-call]
    except ValueError:
        return value  # said as it was written
    if not isinstance(moment, datetime):
        return str(moment)
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzinfo or zone or ''}".rstrip()

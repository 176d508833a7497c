"""Calendars and invitations (iCalendar, RFC 5545): each event in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ingest.document import Piece

_BEGINS: Final = re.compile(r"\A\s*BEGIN:VCALENDAR\s*$", re.IGNORECASE | re.MULTILINE)
_FOLDED: Final = re.compile(r"\n[ \t]")
_PROPERTY: Final = re.compile(r'([\w-]+)((?:;[\w-]+=(?:"[^"]*"|[^;:"]*))*):(.*)')
_PARAMETER: Final = re.compile(r';([\w-]+)=(?:"([^"]*)"|([^;]*))')
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")
_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_LABELS: Final = {
    "DTSTART": "Begins",
    "DTEND": "Ends",
    "DUE": "Due",
    "RRULE": "Repeats",
    "LOCATION": "Where",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "STATUS": "Status",
}
_PEOPLE: Final = ("ORGANIZER", "ATTENDEE")
_EVENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")


def read(text: str) -> list[Piece] | None:
    """Return the events of a calendar, ``None`` for a text that is none.

    An event is its name as a title, its facts on a line each, and what it is about.
    """
    if not _BEGINS.match(text):
        return None
    return [piece for event in _events(text) for piece in _told(event)]


_Event = list[tuple[str, dict[str, str], str]]  # names, parameters and values


def _events(text: str) -> Iterator[_Event]:
    inside: list[str] = []
    event: _Event = []
    for line in _FOLDED.sub("", text).split("\n"):
        found = _PROPERTY.match(line.strip())
        if found is None:
            continue
        name, value = found[1].upper(), found[3].strip()
        if name == "BEGIN":
            inside.append(value.upper())
            event = [] if value.upper() in _EVENTS else event
        elif name == "END" and inside:
            if inside.pop() in _EVENTS:
                yield event
        elif inside and inside[-1] in _EVENTS:  # and not of an alarm in it
            parameters = {p[1].upper(): p[2] or p[3] for p in _PARAMETER.finditer(found[2])}
            event.append((name, parameters, value))


def _told(event: _Event) -> Iterator[Piece]:
    said = {name: _unescaped(value) for name, _, value in reversed(event)}
    if title := " ".join(said.get("SUMMARY", "").split()):
        yield Piece("title", title)
    facts = [
        f"{_LABELS[name]}: {shown}"
        for name, parameters, value in event
        if name in _LABELS and (shown := _shown(name, parameters, value))
    ]
    if facts:
        yield Piece("text", "\n".join(facts))
    if about := said.get("DESCRIPTION", "").strip():
        yield Piece("text", about)


def _shown(name: str, parameters: dict[str, str], value: str) -> str:
    if name in _PEOPLE:
        address = value.removeprefix("mailto:").removeprefix("MAILTO:")
        known = parameters.get("CN", "")
        return f"{known} <{address}>" if known and known != address else address
    moment = _TIME.fullmatch(value)
    if moment is None:
        return " ".join(_unescaped(value).split())
    year, month, day, hour, minute, is_utc = moment.groups()
    zone = "UTC" if is_utc else parameters.get("TZID", "")
    clock = f" {hour}:{minute} {zone}" if hour else ""
    return f"{year}-{month}-{day}{clock}".rstrip()


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)

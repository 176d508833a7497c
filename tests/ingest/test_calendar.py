"""Invitations are told in words."""

from __future__ import annotations

from ingest import calendar
from ingest.document import Piece

INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:16010101T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1234
DTSTART;TZID=Europe/Berlin:20240301T090000
DTEND;TZID="Europe/Berlin":20240301T093000
RRULE:FREQ=WEEKLY;BYDAY=FR
SUMMARY:Ropes\\, and tar
LOCATION:Room 5
DESCRIPTION:Bring your notes.\\nAnd a lo
 ng rope.
ORGANIZER;CN=Ann:mailto:a@example.com
ATTENDEE;ROLE=REQ-PARTICIPANT;CN="Ben, B.":mailto:b@example.com
ATTENDEE:mailto:c@example.com
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VEVENT
SUMMARY:Holiday
DTSTART;VALUE=DATE:20240501
DTEND:20240501T220000Z
END:VEVENT
END:VCALENDAR
"""


def test_events_are_told_one_after_the_other() -> None:
    pieces = calendar.read(INVITATION)
    assert pieces is not None
    assert [(p.kind, p.text) for p in pieces] == [
        ("title", "Ropes, and tar"),
        (
            "text",
            "Begins: 2024-03-01 09:00 Europe/Berlin\nEnds: 2024-03-01 09:30 Europe/Berlin\n"
            "Repeats: FREQ=WEEKLY;BYDAY=FR\nWhere: Room 5\nOrganizer: Ann <a@example.com>\n"
            "Attendee: Ben, B. <b@example.com>\nAttendee: c@example.com",
        ),
        ("text", "Bring your notes.\nAnd a long rope."),
        ("title", "Holiday"),
        ("text", "Begins: 2024-05-01\nEnds: 2024-05-01 22:00 UTC"),
    ]


def test_lengths_zones_of_windows_and_people_with_a_comma_are_told() -> None:
    event = """BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;TZID=W. Europe Standard Time:20240301T090000
DURATION:PT1H30M
DUE;TZID=Of our own:20240302T100000
DTEND:soon
ATTENDEE;CN=Ben, B.:mailto:b@example.com
END:VEVENT
END:VCALENDAR
"""
    assert calendar.read(event) == [
        Piece(
            "text",
            "Begins: 2024-03-01 09:00 Europe/Berlin\nLasts: 1:30:00\n"
            "Due: 2024-03-02 10:00 Of our own\nEnds: soon\nAttendee: Ben, B. <b@example.com>",
        )
    ]


def test_other_texts_are_no_calendars() -> None:
    assert calendar.read("The file begins with BEGIN:VCALENDAR and goes on.") is None
    assert calendar.read("") is None


def test_a_calendar_that_breaks_off_or_is_odd_is_read_as_far_as_it_goes() -> None:
    assert calendar.read("BEGIN:VCALENDAR\nEND:VEVENT\n:::\nEND") == []
    assert calendar.read("BEGIN:VCALENDAR") == []

"""Mailboxes in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.limits import Limits
from ingest.mbox import messages
from ingest.read import read_document
from ingest.sniff import sniff

FIRST = """From mia@example.com Fri May  3 10:00:00 2024
From: Mia <mia@example.com>
To: ada@example.com
Subject: Tides
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="cut"

--cut
Content-Type: text/plain

High water is at nine.

>From the pier it is near.

From here on it rains.
--cut
Content-Type: text/csv; name="tides.csv"
Content-Disposition: attachment; filename="tides.csv"

Port,Tide
Brest,7 m
--cut--

"""
SECOND = """From ada@example.com Fri May  3 11:00:00 2024
From: Ada <ada@example.com>
Subject: Re: Tides
Date: Fri, 3 May 2024 11:00:00 +0000

Thank you.
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_mail_is_read_with_what_it_carries(tmp_path: Path, newline: str) -> None:
    path = tmp_path / "Inbox"
    path.write_bytes((FIRST + SECOND).replace("\n", newline).encode())
    assert sniff(path, "Inbox").kind == "mbox"
    told: list[tuple[int, int]] = []
    document = read_document(
        path, "Inbox", Limits(), "eng", lambda _, done, pages: told.append((done, pages))
    )
    titles = [e.text for e in document.elements if e.kind == "title"]
    assert titles == ["Tides", "tides.csv", "Re: Tides"]
    assert "From the pier it is near." in document.text
    assert "From here on it rains." in document.text
    assert "| Brest | 7 m |" in document.text
    thanks = document.elements[-1]
    assert (thanks.text, thanks.heading_path) == ("Thank you.", ("Re: Tides",))
    assert told == [(0, 2), (1, 2)]


def test_a_mail_that_cannot_be_read_keeps_no_other_back(tmp_path: Path) -> None:
    path = tmp_path / "x.mbox"
    empty = "From nobody Fri May  3 11:00:00 2024\nX: \0\n\n\n\n"
    path.write_text(FIRST + empty + SECOND)
    document = read_document(path, path.name, Limits(), "eng", lambda *_: None)
    assert "Thank you." in document.text


def test_a_line_of_a_body_begins_no_mail() -> None:
    assert len(messages((FIRST + SECOND).encode())) == 2
    assert messages(b"") == []

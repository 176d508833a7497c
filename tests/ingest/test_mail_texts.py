"""All texts of a mail are read, in the order in which they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import office

HEAD = "From: mia@example.com\nTo: ada@example.com\nSubject: Tides\nMIME-Version: 1.0\n"


def _part(kind: str, text: str, fields: str = "") -> str:
    return f"Content-Type: {kind}\n{fields}\n{text}\n"


def _parts(kind: str, *parts: str, cut: str = "cut") -> str:
    inner = "".join(f"--{cut}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{cut}"\n\n{inner}--{cut}--\n'


def _read(tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "mail.eml"
    path.write_text(HEAD + body)
    pieces = office.read(path, "eml").pieces
    return [piece.text for piece in pieces[2:]]  # without its subject and who wrote to whom


FIRST = _part("text/plain", "High water is at nine.")
LAST = _part("text/plain", "Bring < 3 boats.\n\nAnd ropes.")
PICTURE = _part("image/png", "AAAA", "Content-Transfer-Encoding: base64\n")
PAGE = _part("text/html", "<html><body><p>Low water at <b>noon</b>.</p></body></html>")


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (FIRST, ["High water is at nine."]),
        (_parts("mixed", FIRST, PICTURE, LAST),
         ["High water is at nine.", "Bring < 3 boats.", "And ropes."]),
        (_parts("mixed", FIRST, PAGE, LAST),
         ["High water is at nine.", "Low water at noon.", "Bring < 3 boats.", "And ropes."]),
        (_parts("alternative", FIRST, PAGE), ["Low water at noon."]),
        (_parts("alternative", FIRST, _part("text/calendar", "BEGIN:VCALENDAR")),
         ["High water is at nine."]),
        (_parts("alternative", FIRST, _parts("mixed", PAGE, PICTURE, PAGE, cut="inner")),
         ["Low water at noon.", "Low water at noon."]),
        (_parts("mixed", _parts("alternative", FIRST, PAGE, cut="inner"), LAST),
         ["Low water at noon.", "Bring < 3 boats.", "And ropes."]),
        (_parts("mixed", _parts("related", PAGE, PICTURE, LAST, cut="inner"), FIRST),
         ["Low water at noon.", "High water is at nine."]),
        (_parts("mixed", FIRST, _part("text/plain; name=a.txt", "no")), ["High water is at nine."]),
        (_parts("mixed", FIRST, _part("text/plain", "Aye.", "Content-Disposition: attachment\n")),
         ["High water is at nine.", "Aye."]),
        (_parts("mixed", FIRST, _part("text/plain; charset=no-such", "Low water.")),
         ["High water is at nine.", "Low water."]),
        (_parts("digest", _part("message/rfc822", HEAD + FIRST)), []),
    ],
)  # fmt: skip
def test_the_texts_of_a_mail(tmp_path: Path, body: str, texts: list[str]) -> None:
    assert _read(tmp_path, body) == texts

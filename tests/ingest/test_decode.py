from __future__ import annotations

import pytest

from ingest.decode import decode, looks_like_text

TEXT = "Äpfel kosten 3 € – Grüße aus Köln, dazu noch Öl und Süßes für die Gäste.\nZweite Zeile."


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_text_is_read_in_its_encoding(encoding: str) -> None:
    data = TEXT.encode(encoding)
    assert decode(data) == TEXT
    assert looks_like_text(data)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Name;Note\nMüller;Ltd", "cp1252"),
        ("café crème brûlée à Noël", "cp1252"),
        ("São Paulo, Ação, coração", "cp1252"),
        ("¿Dónde está el niño? 5 m² y 3 m³", "cp1252"),
        ("Perché così? È più caro, lunedì", "cp1252"),
        ("Smørrebrød på Åen", "cp1252"),
        ("naïve “quoted” text – with dashes…", "cp1252"),
        ("Пример текста на русском языке", "cp1251"),
        ("Zażółć gęślą jaźń, proszę", "cp1250"),
        ("Příliš žluťoučký kůň pěl", "cp1250"),
        ("Az őrség a tűzoltókkal együtt dolgozik, és mindent előre megtérít.", "cp1250"),
        ("Molimo pošaljite ugovor do petka. Žao nam je, čekamo više od tjedan dana.", "cp1250"),
        ("Raha kantakse üle seitsme tööpäeva jooksul, õhtul.", "cp1252"),
    ],
)
def test_few_letters_beyond_ascii_are_read_in_the_usual_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_utf_8_may_break_off_within_a_character() -> None:
    assert decode("Grüße".encode()[:3]).startswith("Gr")
    assert looks_like_text(("ä" * 5000).encode()[:4095])


def test_line_ends_become_one_kind() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"


def test_binary_data_is_no_text() -> None:
    assert not looks_like_text(bytes(range(256)) * 8)

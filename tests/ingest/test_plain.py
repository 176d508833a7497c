from __future__ import annotations

import base64

import pytest

from ingest import plain
from ingest.failures import CorruptDocument
from ingest.limits import Limits


def _texts(data: bytes, kind: str) -> list[str]:
    return [piece.text for piece in plain.read(data, kind, Limits()).pieces]


def _head(*names: str) -> str:
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"


def test_paragraphs_are_parted_by_blank_lines() -> None:
    assert _texts(b"One\nline.\r\n\r\nTwo.\n \n\nThree.", "txt") == ["One\nline.", "Two.", "Three."]


def test_rows_become_lines_whatever_parts_the_cells() -> None:
    for delimiter in (",", ";", "|"):
        data = f"Team{delimiter}Cups\nBlues{delimiter}1\nLeafs{delimiter}13\n".encode()
        assert _texts(data, "csv") == [
            "| Team | Cups |\n| --- | --- |\n| Blues | 1 |\n| Leafs | 13 |"
        ]
    assert _texts(b"a\tb\n1\t2\n", "tsv") == [f"{_head('a', 'b')}\n| 1 | 2 |"]


def test_quoted_cells_may_hold_delimiters_and_line_ends() -> None:
    assert _texts(b'name,note\nA,"one, two\nthree"\n', "csv") == [
        "| name | note |\n| --- | --- |\n| A | one, two three |"
    ]


def test_json_values_keep_their_paths() -> None:
    data = b'{"order": {"id": 7, "lines": [{"item": "Pen"}, {"item": "Ink"}]}, "paid": true}'
    assert _texts(data, "json") == [
        "order.id: 7\norder.lines.item: Pen\norder.lines.item: Ink\npaid: true"
    ]


def test_json_lines_are_read() -> None:
    assert _texts(b'{"a": 1}\n{"a": 2}\n', "json") == ["a: 1\na: 2"]


@pytest.mark.parametrize("depth", [300, 200_000])
def test_deep_json_is_refused(depth: int) -> None:
    with pytest.raises(CorruptDocument, match="deep"):
        _texts(b"[" * depth + b"1" + b"]" * depth, "json")


def test_broken_json_is_refused() -> None:
    with pytest.raises(CorruptDocument, match="not valid JSON"):
        _texts(b'{"a": ', "json")


def test_a_line_that_names_the_delimiter_is_no_row() -> None:
    reading = plain.read(b"\xef\xbb\xbfsep=;\r\nName;Price\r\nRope, long;5\r\n", "csv", Limits())
    assert [p.text for p in reading.pieces] == [
        "| Name | Price |\n| --- | --- |\n| Rope, long | 5 |"
    ]


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_pictures_in_json_are_told_and_not_read_as_letters(prefix: str) -> None:
    picture = prefix + base64.b64encode(bytes(range(256)) * 3).decode()
    body = f'{{"logo": "{picture}", "name": "Pier"}}\n{{"logo": "{picture}"}}\n'
    reading = plain.read(body.encode(), "json", Limits())
    assert [piece.text for piece in reading.pieces] == ["name: Pier"]
    (warning,) = reading.warnings
    assert warning.endswith("left out: 2.")


@pytest.mark.parametrize(
    "value",
    ["GATTACA" * 100, "The tide is 7 m. " * 40, "deadBEEF0" * 20, "abc123XYZ/" * 30_000 + "."],
)
def test_long_values_of_other_kinds_are_kept(value: str) -> None:
    reading = plain.read(f'{{"v": "{value}"}}'.encode(), "json", Limits())
    assert reading.pieces[0].text == f"v: {value}"
    assert reading.warnings == []

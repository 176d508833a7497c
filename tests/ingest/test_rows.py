from __future__ import annotations

from ingest.rows import is_in_rows
from ingest.tesseract import Attempt, Word


def _block(number: int, left: int, texts: list[str]) -> list[Word]:
    return [
        Word(text, 90, (number, 1, line), (left, 50 * line, left + 12 * len(text), 50 * line + 30))
        for line, text in enumerate(texts)
    ]


def _attempt(*blocks: list[Word]) -> Attempt:
    return Attempt([word for block in blocks for word in block], (1600, 2400))


LABELS = ["Surname:", "Street:", "Town:", "Amount:", "Date:"]
VALUES = ["Hollingsworth", "Harbour Lane 27", "Portsmouth", "1,249.50", "17.03.2024"]
PROSE = ["This line of prose runs on to the gutter"] * 5


def test_labels_and_values_read_apart_stand_in_rows() -> None:
    assert is_in_rows(_attempt(_block(1, 100, LABELS), _block(2, 500, VALUES)))


def test_columns_of_prose_and_single_blocks_do_not() -> None:
    assert not is_in_rows(_attempt(_block(1, 100, PROSE), _block(2, 800, PROSE)))
    assert not is_in_rows(_attempt(_block(1, 100, LABELS)))
    assert not is_in_rows(_attempt())

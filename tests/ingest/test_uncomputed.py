from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from ingest import uncomputed


def test_an_empty_text_is_a_value_of_a_formula(tmp_path: Path) -> None:
    cells = (
        b'<c r="A1" t="str"><f>""</f><v></v></c><c r="A2"><f>1+1</f><v>2</v></c>'
        b'<c r="A3"><f t="shared" si="0"/><v>3</v></c>'
    )
    without = b'<c r="A4" s="1"><f t="shared" si="0"/></c><c r="A5"><f>2*2</f><v/></c>'
    for written, expected in ((cells, None), (cells + without, "2 formulas have")):
        path = tmp_path / "book.xlsx"
        with ZipFile(path, "w") as archive:
            archive.writestr("xl/worksheets/sheet1.xml", written)
        told = uncomputed.told(path)
        assert told is None if expected is None else (told or "").startswith(expected)

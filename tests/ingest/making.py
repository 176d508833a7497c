"""Documents made on the spot, so that tests need no files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PAGE_WIDTH, PAGE_HEIGHT = 612, 792

Place = tuple[float, float, float, float]  # left, top, right, bottom
TextAt = tuple[float, float, float, str, str]  # x, y from the top, size, font (F1, F2 bold), text


def pdf(
    pages: list[list[TextAt]],
    rotate: int = 0,
    annotations: Sequence[tuple[Place, str]] = (),
    *,
    is_landscape: bool = False,
) -> bytes:
    """Return a PDF whose pages show the given texts; F1 is Helvetica, F2 its bold.

    Each page has the annotations: entries of their dictionaries, places from the page's top left.
    With ``is_landscape`` the texts run along a sheet that is turned by 90 degrees to be read.
    """
    rotate = 90 if is_landscape else rotate
    objects: list[bytes] = []
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(len(pages)))
    first = 5 + 2 * len(pages)
    notes = " ".join(f"{first + i} 0 R" for i in range(len(annotations)))
    form = f"<< /Fields [{notes}] /DA (/F1 10 Tf 0 g) /DR << /Font << /F1 3 0 R >> >> >>"
    catalog = (
        f"/Type /Catalog /Pages 2 0 R {f'/AcroForm {form}' if '/FT' in str(annotations) else ''}"
    )
    objects.append(f"<< {catalog} >>".encode())
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>")
    for i, texts in enumerate(pages):
        stream = "".join(
            f"BT /{font} {size} Tf "
            f"{f'0 1 -1 0 {y} {x}' if is_landscape else f'1 0 0 1 {x} {PAGE_HEIGHT - y}'} Tm "
            f"({text}) Tj ET\n"
            for x, y, size, font, text in texts
        ).encode("latin-1")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] "
            f"/Rotate {rotate} /Contents {6 + 2 * i} 0 R /Annots [{notes}] "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    for (left, top, right, bottom), entries in annotations:
        rect = f"{left} {PAGE_HEIGHT - bottom} {right} {PAGE_HEIGHT - top}"
        objects.append(f"<< /Type /Annot /Rect [{rect}] /F 4 {entries} >>".encode("latin-1"))
    return _file(objects)


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def prose(sentence: str, times: int) -> str:
    return " ".join(f"{sentence} number {n}." for n in range(times))


def scan(path: Path, lines: list[str], turned: int = 0) -> Path:
    """Write a picture of the lines in black on white, turned clockwise by so many degrees."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (1400, 90 * len(lines) + 120), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(48)
    for i, line in enumerate(lines):
        draw.text((60, 60 + 90 * i), line, fill=0, font=font)
    image.rotate(-turned, expand=True, fillcolor=255).save(path)
    return path

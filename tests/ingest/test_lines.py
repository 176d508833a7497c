"""What a font's name says of how it looks."""

from __future__ import annotations

import pytest

from ingest.lines import style_of


@pytest.mark.parametrize(
    ("font", "is_bold", "is_italic"),
    [
        ("ABCDEF+Helvetica-Bold", True, False),
        ("Arial-BoldItalicMT", True, True),
        ("Helvetica-Oblique", False, True),
        ("CMBX12", True, False),
        ("XYZABC+CMBXTI10", True, True),
        ("XYZABC+CMTI10", False, True),
        ("SFBX1000", True, False),
        ("SFTI1000", False, True),
        ("ECSX1728", True, False),
        ("ABCDEF+NimbusRomNo9L-Medi", True, False),
        ("ABCDEF+NimbusRomNo9L-MediItal", True, True),
        ("ABCDEF+NimbusRomNo9L-Regu", False, False),
        ("CMR10", False, False),
        ("MSBM10", False, False),  # blackboard letters of mathematics
        ("CMMIB10", False, False),
        ("PGPFGD+KoPubDotumMedium", False, False),
    ],
)
def test_fonts_of_tex_are_bold_and_italic_too(font: str, is_bold: bool, is_italic: bool) -> None:
    assert style_of(font) == (is_bold, is_italic)

"""Which of Tesseract's languages pages are recognised in."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import ValidationFailed
from ingest.tesseract import TESSERACT_NAMES, installed_languages


def named(given: Iterable[str]) -> str:
    """Return Tesseract's names of languages given by those or by two letters, joined by ``+``.

    Starts Tesseract when first called: not on an event loop. Raises ``ValidationFailed`` for
    languages that it does not read here.
    """
    names = list(dict.fromkeys(TESSERACT_NAMES.get(name.lower(), name) for name in given))
    installed = installed_languages()
    if missing := [name for name in names if name not in installed]:
        raise ValidationFailed(
            f"Tesseract does not read {', '.join(missing)} here; it reads "
            f"{', '.join(sorted(installed - {'osd'}))}."
        )
    return "+".join(names)


def with_base(language: str, default: str) -> str:
    """Return the base's own language, where Tesseract has it, before the ``default`` ones."""
    name = TESSERACT_NAMES.get(language)
    known = default.split("+")
    if name is None or name in known or name not in installed_languages():
        return default
    return "+".join([name, *known])

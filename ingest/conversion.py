"""One file on its way to text, as converters are given it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.document import Reading
from ingest.embedded import EmbeddedPictures
from ingest.limits import Limits

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Conversion:
    """A file of the format ``kind``.

    ``convert`` reads another file of the same document, or the same in another format;
    ``convert_attachment`` one of unknown format, by its name. ``mail_depth`` is how many mails deep
    attachments may yet be read.
    """

    path: Path
    kind: str
    limits: Limits
    languages: str
    progress: Progress
    mail_depth: int
    embedded: EmbeddedPictures
    convert: Callable[[Conversion], Reading]
    convert_attachment: Callable[[Conversion, str, bytes], Reading]

    @property
    def pictures(self) -> EmbeddedPictures | None:
        """The reader of pictures within the document; ``None`` where they are not to be read."""
        return None if self.limits.ocr == "off" else self.embedded.reporting(self.progress)


Convert = Callable[[Conversion], Reading]

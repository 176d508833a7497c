"""Old files of Office, and RTF, converted by LibreOffice where it is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ingest.failures import CorruptDocument, UnsupportedType
from ingest.jail import SOCKETS

_NAMES: Final = {"doc": "Word", "ppt": "PowerPoint"}
_TARGETS: Final = {"doc": "docx", "ppt": "pptx", "rtf": "docx"}
_STARTS: Final = 2  # the first one may end to start anew, which it cannot within the jail


def is_installed() -> bool:
    """Whether there is a LibreOffice to convert by."""
    return shutil.which("soffice") is not None


@contextmanager
def convert_document(path: Path, kind: str) -> Iterator[Path]:
    """Give a ``doc`` or ``rtf`` as docx, a ``ppt`` as pptx, that goes afterwards.

    The program runs in the process group of the caller, under its limits, with a profile of its
    own. Raises ``UnsupportedType`` where it is not installed, ``CorruptDocument``.
    """
    target = _TARGETS[kind]
    program = shutil.which("soffice")
    if program is None:
        raise UnsupportedType(
            f"Old {_NAMES[kind]} files need LibreOffice; install it or save the file as .{target}."
        )
    with tempfile.TemporaryDirectory(prefix="office-") as name:
        folder = Path(name)
        source, converted = folder / f"document.{kind}", folder / f"document.{target}"
        shutil.copyfile(path, source)
        arguments = ["--headless", "--norestore", "--convert-to", target]
        arguments += ["--outdir", str(folder), str(source)]
        for start in range(_STARTS):
            profile = folder / f"profile-{start}"  # it has a socket for each name of a profile
            if start and (folder / f"profile-{start - 1}").exists():
                (folder / f"profile-{start - 1}").rename(profile)
            command = [program, f"-env:UserInstallation={profile.as_uri()}", *arguments]
            subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell
            if converted.is_file():
                break
        else:
            raise CorruptDocument(
                "LibreOffice cannot open the file; remove its password if it has one, or save it "
                f"as .{target}."
            )
        yield converted


def remove_dead_sockets() -> None:
    """Remove our sockets that no LibreOffice listens on: within the jail it may make them, but not
    remove them."""
    for path in Path(SOCKETS).glob("OSL_PIPE_*"):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            if path.stat().st_uid != os.getuid():
                continue
            client.setblocking(False)
            try:
                client.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()

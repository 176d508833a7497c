"""What lies on disk is for its owner alone."""

from __future__ import annotations

import stat
from pathlib import Path

from api.launch import OwnProcess
from core.blobs.disk import DiskBlobs


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_process_and_its_children_write_files_for_their_owner(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    made = tmp_path / "made"
    arguments = ["timeit", "-n1", "-r1", f"open({str(made)!r}, 'w').write('x')"]
    child = OwnProcess(arguments, log)
    child.start()
    assert child.process is not None
    assert child.process.wait(60) == 0, log.read_text()
    assert [_mode(path) for path in (log.parent, log, made)] == [0o700, 0o600, 0o600]


def test_log_of_earlier_version_is_made_private(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    log.parent.mkdir()
    log.write_text("old\n")
    log.chmod(0o644)
    child = OwnProcess(["timeit", "-n1", "-r1", "pass"], log)
    child.start()
    assert child.process is not None
    assert child.process.wait(60) == 0
    assert _mode(log) == 0o600


def test_blob_directory_is_private(tmp_path: Path) -> None:
    DiskBlobs(tmp_path / "blobs")
    assert _mode(tmp_path / "blobs") == 0o700

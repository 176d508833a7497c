"""Python with packages and files: a confined CPython, where the kernel can confine one.

Pyodide's builds of NumPy, pandas and matplotlib are in no package index, so that code which needs
them runs in this environment's own Python and packages, read-only. In place of Pyodide's walls
stand Landlock and a list of allowed system calls: without both, nothing runs. ``python -m
core.sandbox.interpreter`` says whether it can, and with which packages.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import re
import shutil
import stat
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from core.config import Settings, get_settings
from core.sandbox.confine import landlock_version
from core.sandbox.errors import LanguageUnavailable
from core.sandbox.limits import RUNTIME, Limits
from core.sandbox.runtime.syscalls import is_supported

PACKAGES: Final = ("numpy", "pandas", "matplotlib", "scipy", "openpyxl", "pillow")
MODULES: Final = {*PACKAGES, "mpl_toolkits", "PIL"}
_WORD: Final = re.compile(r"\w+")
_CONFINE: Final = Path(__file__).parent / "confine.py"
_FILES, _SETTINGS, _ROOT = "files", ".matplotlib", "root"
_PREFIX: Final = "nuxa-sandbox-"
_UNLOCKED_SECONDS: Final = 60.0  # more than passes between making a directory and its lock
_BLOCK_BYTES: Final = 512  # the unit of st_blocks
_START_BYTES: Final = 4 * 1024**3  # address space while it starts; a request's bound comes later


def needs_interpreter(code: str) -> bool:
    """Whether Python code seems to import a package that only this interpreter has, or to write
    outputs. The code is not parsed: what is taken for an import in a text does no harm."""
    if "outputs/" in code:
        return True
    lines = (line.partition("#")[0] for line in code.splitlines() if "import" in line)
    words = (set(_WORD.findall(line)) for line in lines)
    return any("import" in each and each & MODULES for each in words)


def require_interpreter(settings: Settings) -> None:
    """Raise ``LanguageUnavailable`` where the interpreter is off, missing or cannot be confined."""
    if not settings.python_packages:
        raise LanguageUnavailable(
            "Python packages and files are switched off; set NUXA_PYTHON_PACKAGES=true."
        )
    if landlock_version() < 1 or not is_supported():
        raise LanguageUnavailable(
            "Python packages need Linux 5.13 or newer with Landlock and seccomp; use the standard "
            "library alone."
        )
    missing = [name for name in PACKAGES if _version(name) is None]
    if missing:
        raise LanguageUnavailable(
            f"Python packages are not installed ({', '.join(missing)}); run `make interpreter`."
        )


@contextmanager
def make_scratch() -> Iterator[Path]:
    """Give an empty directory that only this user may enter, removed with all in it at the end.

    A lock says that it is in use: what a killed service left is removed by the next call.
    """
    _remove_abandoned()
    path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        for name in (_FILES, f"{_FILES}/outputs", f"{_FILES}/{_SETTINGS}", _ROOT):
            (path / name).mkdir()  # the code cannot make directories
        yield path / _FILES
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _remove_abandoned() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # in use, another user's, or removed since
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(lock).st_mtime > _UNLOCKED_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def interpreter_command(limits: Limits, scratch: Path) -> list[str]:
    """Return what starts the interpreter, confined to ``scratch``."""
    python = os.path.realpath(sys.executable)
    packages = list(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
    paths = [python, str(RUNTIME), *packages, *_standard_library()]
    readable = dict.fromkeys([*paths, *map(os.path.realpath, paths)])
    return [
        *(python, "-I", "-S", str(_CONFINE), str(os.getpid()), str(_START_BYTES)),
        ":".join(readable),
        f"--scratch={scratch}",
        f"--file-bytes={limits.scratch_bytes}",
        f"--root={scratch.with_name(_ROOT)}",
        *(python, "-I", "-S", "-B", str(RUNTIME / "interpreter.py"), str(scratch), *packages),
    ]


def interpreter_environment(scratch: Path) -> dict[str, str]:
    """Return the environment: one thread for linear algebra, nothing of our own."""
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    return {
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(scratch / _SETTINGS),
        **dict.fromkeys(threads, "1"),
    }


def scratch_is_full(scratch: Path, pid: int, limits: Limits) -> bool:
    """Whether the code has written more, or more files, than a run may.

    Files that it deleted and keeps open count; those that are mapped alone its memory bounds.
    """
    directories = (scratch, scratch / "outputs", scratch / _SETTINGS)
    sizes = [size for directory in directories for size in _sizes_in(directory)]
    sizes += _sizes_of_deleted(pid)
    return len(sizes) > limits.scratch_files or sum(sizes) > limits.scratch_bytes


def _sizes_in(directory: Path) -> Iterator[int]:
    for entry in os.scandir(directory):
        with suppress(FileNotFoundError):  # deleted since
            yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES


def _sizes_of_deleted(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(FileNotFoundError, ProcessLookupError):  # closed since
                status = entry.stat()
                if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                    yield status.st_blocks * _BLOCK_BYTES


def _standard_library() -> list[str]:
    paths = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    library, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    if library and name:
        paths.append(str(Path(library) / name))
    # In a virtual environment these name its own, empty, folders too.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths.append(str(Path(sys.base_prefix) / "lib" / version))
    return [path for path in dict.fromkeys(paths) if Path(path).exists()]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Say which packages Python functions may import, or why none."""
    try:
        require_interpreter(get_settings())
    except LanguageUnavailable as error:
        sys.exit(error.message)
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    sys.stdout.write(f"Python functions may import: {versions}\n")


if __name__ == "__main__":
    main()

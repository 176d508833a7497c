"""Fetches Python for the sandbox: ``python -m core.sandbox.install``, once, at install.

Pyodide (CPython for WebAssembly) comes from the npm registry through Deno, at the version and with
the hash that ``runtime/deno.lock`` holds; the registry and proxies are those set up for npm. It is
kept beside the environment's packages, or in the data directory where those are read-only, with a
snapshot of its memory after starting, for starting takes seconds. Running code needs no network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from core.config import Settings, get_settings
from core.sandbox.errors import LanguageUnavailable
from core.sandbox.limits import RUNTIME

_NEEDED: Final = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
_SNAPSHOT: Final = "snapshot.bin"
_FETCH_SECONDS: Final = 600
_CERTIFICATES: Final = "DENO_TLS_CA_STORE"


def find_deno() -> Path:
    """Return Deno's program; raise ``LanguageUnavailable`` when its package brings none."""
    from deno import find_deno_bin

    try:
        return Path(find_deno_bin()).resolve()
    except FileNotFoundError as error:
        raise LanguageUnavailable(
            "Deno, which runs code, is not installed here; run `make install` again."
        ) from error


def find_pyodide(settings: Settings) -> Path:
    """Return the directory of Pyodide; raise ``LanguageUnavailable`` before it is installed."""
    for root in _roots(settings):
        if (root / _directory_name() / _SNAPSHOT).is_file():
            return (root / _directory_name()).resolve()
    raise LanguageUnavailable(
        "Python for function blocks is not installed here: run `python -m core.sandbox.install` "
        "where the npm registry is reachable, then run again. JavaScript works without it."
    )


def install(settings: Settings) -> Path:
    """Return the directory of Pyodide, fetched now if it is missing. Slow: seconds, a download.

    Several processes may race: each builds in its own directory and the first rename wins. Raises
    ``LanguageUnavailable`` when it cannot be fetched.
    """
    try:
        return find_pyodide(settings)
    except LanguageUnavailable:
        root = _writable_root(settings)
    with tempfile.TemporaryDirectory(dir=root) as scratch:
        build = Path(scratch).resolve() / "pyodide"
        build.mkdir()
        _fetch(Path(scratch) / "fetch", build)
        _deno(["run", "--no-prompt", "--no-remote", "--no-npm", "--no-config", "--no-lock",
               f"--allow-read={build}", f"--allow-write={build}",
               str(RUNTIME / "snapshot.js"), str(build)], build)  # fmt: skip
        _move_into_place(build, root / _directory_name())
    return find_pyodide(settings)


def _fetch(work: Path, target: Path) -> None:
    work.mkdir()
    for name in ("deno.json", "deno.lock"):
        shutil.copy(RUNTIME / name, work)
    _deno(["install", "--frozen"], work)
    for name in _NEEDED:
        shutil.copy(work / "node_modules" / "pyodide" / name, target)


def _deno(arguments: list[str], directory: Path) -> None:
    environment = {
        # The operating system's certificates too: companies' proxies have their own.
        _CERTIFICATES: "mozilla,system",
        **os.environ,
        "DENO_DIR": str(directory.parent / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
    }
    done = subprocess.run(  # noqa: S603 - the command is our own
        [str(find_deno()), *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_FETCH_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise LanguageUnavailable(
            f"Python for function blocks could not be installed: {done.stderr.strip()[-600:]} "
            "Usual cause: no way to the npm registry (set HTTPS_PROXY, or the registry in .npmrc). "
            "Run `python -m core.sandbox.install` again; JavaScript works without it."
        )


def _move_into_place(build: Path, target: Path) -> None:
    if target.exists() and not (target / _SNAPSHOT).is_file():
        shutil.rmtree(target)  # not one of ours: installs appear only by this rename
    try:
        build.rename(target)
    except OSError:
        if not (target / _SNAPSHOT).is_file():
            raise  # another process's finished install is as good as this one


def _roots(settings: Settings) -> tuple[Path, Path]:
    return Path(sys.prefix) / "share" / "nuxa" / "sandbox", settings.data_dir / "sandbox"


def _writable_root(settings: Settings) -> Path:
    for root in _roots(settings):
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(root, os.W_OK):
            return root
    raise LanguageUnavailable(
        f"Nowhere to install Python for function blocks: make one of {_roots(settings)} writable."
    )


def _directory_name() -> str:
    """Name an install by all that decides its bytes, so that an upgrade makes a new one."""
    version = json.loads((RUNTIME / "deno.json").read_text())["imports"]["pyodide"].split("@")[-1]
    decisive = [(RUNTIME / name).read_bytes() for name in ("deno.lock", "snapshot.js")]
    decisive.append(str(find_deno().stat().st_size).encode())
    return f"pyodide-{version}-{sha256(b''.join(decisive)).hexdigest()[:12]}"


def main() -> None:
    """Install, or say why not and what to do."""
    try:
        place = install(get_settings())
    except LanguageUnavailable as error:
        sys.exit(error.message)
    sys.stdout.write(f"Python for function blocks: {place.name}\n")


if __name__ == "__main__":
    main()

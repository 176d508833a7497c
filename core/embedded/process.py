"""Child processes that end with their parent, and the leftovers of parents that were killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ServiceUnavailable

PRIVATE_UMASK = 0o077
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL_SECONDS = 0.02
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class EmbeddedServerFailed(ServiceUnavailable):
    """An embedded server did not start or stop; the sentence names the log to read."""


@dataclass(frozen=True)
class Account:
    """The system user a child runs as; ``None`` in its place means our own."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    death_signal: signal.Signals,
    account: Account | None = None,
    directory: Path = Path("/"),
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``command`` in ``directory`` and a session of its own, its output appended to ``log``.

    On Linux the kernel sends ``death_signal`` to the child when the calling *thread* ends, so call
    this from the main thread. Elsewhere ``end_leftover`` finds the child at the next start.
    """

    def follow_parent() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)

    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.fchmod(descriptor, 0o600)  # one of an earlier version
    with os.fdopen(descriptor, "ab") as output:
        return subprocess.Popen(  # noqa: S603 - the commands are our own
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=follow_parent,
            pass_fds=pass_fds,
            umask=PRIVATE_UMASK,
        )


def wait_ready(
    server: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path, seconds: float = 60
) -> None:
    """Return once ``is_ready()``; raise EmbeddedServerFailed if the server ends or is late."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if server.poll() is not None:
            raise EmbeddedServerFailed(
                f"The server ended with status {server.returncode} while starting; "
                f"its last words in {log}: {last_words(log)}"
            )
        if time.monotonic() > deadline:
            raise EmbeddedServerFailed(f"No answer for {seconds:.0f} s while starting; see {log}.")
        time.sleep(_POLL_SECONDS)


def end_children(
    children: Sequence[subprocess.Popen[bytes]], polite: signal.Signals, seconds: float
) -> None:
    """Ask children side by side to end with ``polite``.

    What is left after ``seconds`` is killed, with all it started.
    """
    for child in children:
        if child.poll() is None:
            child.send_signal(polite)
    deadline = time.monotonic() + seconds
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            kill_session(child)


def kill_session(server: subprocess.Popen[bytes]) -> None:
    """Kill a child and what it started that is still in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def end_leftover(pid: int, marker: str, polite: signal.Signals, seconds: float = 30) -> None:
    """End process ``pid`` if its command line holds ``marker``: a server of an earlier start.

    A process without the marker only reuses the number and is left alone.
    """
    deadline = time.monotonic() + seconds
    ask = polite
    while is_running(pid, marker):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, ask)
        ask = signal.SIGKILL if time.monotonic() > deadline else polite
        if time.monotonic() > deadline + 5:
            raise EmbeddedServerFailed(
                f"Process {pid} of an earlier start does not end; stop it, then start again."
            )
        time.sleep(0.2)


def is_running(pid: int, marker: str) -> bool:
    """Whether process ``pid`` is alive, no zombie, and has ``marker`` in its command line."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            # A zombie's command line is empty.
            return marker in (proc / str(pid) / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return False
    listing = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return marker in listing.stdout


def remembered_port(file: Path) -> int:
    """Return the port noted in ``file`` if it is free on loopback, else a free one, and note it."""
    with contextlib.suppress(FileNotFoundError, ValueError, OSError):
        port = int(file.read_text())
        _bind(port)
        return port
    port = _bind(0)
    file.write_text(f"{port}\n")
    return port


def _bind(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        number: int = probe.getsockname()[1]
        return number


def last_words(log: Path, characters: int = 600) -> str:
    """Return the end of a log file."""
    return log.read_text(errors="replace")[-characters:].strip()


def rotate_log(log: Path, max_bytes: int) -> None:
    """Move what a log holds to `NAME.1` once it exceeds `max_bytes`; its writers append on."""
    if not log.exists() or log.stat().st_size <= max_bytes:
        return
    earlier = log.with_name(f"{log.name}.1")
    with log.open("r+b") as source:
        descriptor = os.open(earlier, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
        source.truncate(0)

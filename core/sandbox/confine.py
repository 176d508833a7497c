"""Takes powers from this process, then becomes the command.

``confine.py PARENT BYTES PATHS [--scratch=DIR] [--file-bytes=N] [--root=DIR] CMD…``

A program of its own, run by path with the standard library alone, so that nothing has to run
between fork and exec in a threaded parent. Deno's permissions are the first wall; this is the
second, for the day a hole is found in the first: no network, no capabilities, no new privileges,
no files but the interpreter's. Each is applied where the kernel has it (Linux; Landlock since
5.13); limits on memory, files and the end with the parent's hold on every Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from pathlib import Path

# linux/prctl.h, linux/capability.h, linux/sched.h
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_CAP_DAC_READ_SEARCH, _MOST_CAPABILITIES = 2, 64
_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
# linux/mount.h
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 1 << 1, 1 << 2, 1 << 12, 1 << 14, 1 << 18
# linux/landlock.h; the numbers of its calls are the same on every architecture
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_WRITE_FILE, _REMOVE_FILE, _MAKE_FILE, _TRUNCATE = 1 << 1, 1 << 5, 1 << 8, 1 << 14
# Neither directories nor links, devices, sockets or pipes can be made in the scratch directory.
_SCRATCH = _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | _TRUNCATE
_ALL_FILE_ACCESS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_ALL_TCP, _ALL_SCOPES = 0b11, 0b11
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/null",
           "/dev/urandom", "/proc/self", "/proc/stat", "/proc/meminfo")  # fmt: skip
_OPEN_FILES = 256
_NICENESS = 5  # guests that start leave the processors to the service
_PRIORITY_TRIES, _PRIORITY_SECONDS = 10, 0.1  # the kernel takes one such change in that time


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def main(parent: str, data_bytes: str, readable: str, *command: str) -> None:
    """Confine this process, then exec ``command``; ``readable`` joins paths by ``:``.

    Options before the command: ``--scratch`` is a directory to write in, each file at most
    ``--file-bytes`` long; ``--root`` is an empty one to make the root, where the kernel lets us.
    """
    options, command = _take_options(command)
    scratch = options.get("scratch")
    paths = [*readable.split(":"), *_SYSTEM]
    _limit(int(data_bytes), int(options.get("file-bytes", 0)))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the parent ended")
        lower_session_priority(_NICENESS)
        if "root" in options:
            _enter_root(libc, options["root"], [*paths, *([scratch] if scratch else [])])
        _leave_network(libc)
        _drop_capabilities(libc)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _see_only(libc, paths, scratch)
    os.execv(command[0], command)  # noqa: S606 - the command is our own


def _take_options(command: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    options = {}
    while command[0].startswith("--"):
        name, _, value = command[0][2:].partition("=")
        options[name], command = value, command[1:]
    return options, command


def landlock_version() -> int:
    """Return how much of Landlock the kernel has: 0 none, 4 files and TCP, 6 signals too."""
    if sys.platform != "linux":
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, 1)))


def lower_session_priority(niceness: int) -> None:
    """Give the session that this process leads a niceness; do nothing where it leads none.

    Where Linux schedules by sessions (autogroup), a process's own niceness counts only among the
    processes of its session.
    """
    path = Path("/proc/self/autogroup")
    if os.getsid(0) != os.getpid() or not path.exists():
        return
    for _ in range(_PRIORITY_TRIES):
        try:
            path.write_text(str(niceness))
        except BlockingIOError:
            time.sleep(_PRIORITY_SECONDS)
        except OSError:
            return  # a kernel that shows it read-only; processes are scheduled by their own then
        else:
            return


def _limit(data_bytes: int, file_bytes: int) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_DATA: data_bytes,
    }
    for kind, most in limits.items():
        # macOS refuses some kinds; Deno's own limits remain.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def _enter_root(libc: ctypes.CDLL, root: str, paths: list[str]) -> None:
    """Make an empty file system with ``paths`` alone in it the root.

    Landlock keeps contents shut, but lets the names and sizes of all files be asked for. Where the
    kernel allows no mounts, that remains so.
    """
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNS) != 0:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0:
            return
        with contextlib.suppress(OSError):  # some systems refuse this; then they refuse mounts
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    if not _mount(libc, None, "/", _MS_REC | _MS_PRIVATE):
        return
    if not _mount(libc, "tmpfs", root, _MS_NOSUID | _MS_NODEV, "size=1m,mode=0755"):
        return
    for path in sorted(filter(os.path.exists, paths)):
        target = Path(root + path)
        if target.exists():  # within a directory that is there already
            continue
        if Path(path).is_dir():
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        if not _mount(libc, path, str(target), _MS_BIND | _MS_REC):
            return
    os.chroot(root)
    os.chdir("/")


def _mount(
    libc: ctypes.CDLL, source: str | None, target: str, flags: int, options: str | None = None
) -> bool:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, options)]
    kind = b"tmpfs" if source == "tmpfs" else None
    return bool(libc.mount(texts[0], texts[1], kind, ctypes.c_ulong(flags), texts[2]) == 0)


def _leave_network(libc: ctypes.CDLL) -> None:
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up root's powers but that of reading our own files in another user's folder."""
    for capability in range(_MOST_CAPABILITIES):
        if capability != _CAP_DAC_READ_SEARCH:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _see_only(libc: ctypes.CDLL, paths: list[str], scratch: str | None) -> None:
    version = landlock_version()
    if version < 1:
        return
    handled = max(bits for since, bits in _ALL_FILE_ACCESS.items() if since <= version)
    rules = _Ruleset(
        handled,
        _ALL_TCP if version >= _TCP_SINCE else 0,
        _ALL_SCOPES if version >= _SCOPES_SINCE else 0,
    )
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _TCP_SINCE else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    for path in filter(os.path.exists, paths):
        is_directory = Path(path).is_dir()
        _allow(libc, ruleset, path, _EXECUTE | _READ_FILE | (_READ_DIR if is_directory else 0))
    if scratch is not None:
        _allow(libc, ruleset, scratch, _SCRATCH & handled)
    if libc.syscall(_RESTRICT_SELF, ruleset, 0) != 0:
        sys.exit("Landlock refused the rules")
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    handle = os.open(path, os.O_PATH)
    rule = _PathBeneath(access, handle)
    libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0)
    os.close(handle)


def _print_missing() -> None:
    """Print what the kernel lacks of the second wall, a word each."""
    missing = [] if landlock_version() else ["Landlock"]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            missing.append("unshare")
    else:
        missing.append("unshare")
    sys.stdout.write(" ".join(missing))


if __name__ == "__main__":
    if sys.argv[1:] == ["--missing"]:
        _print_missing()
    else:
        main(*sys.argv[1:])

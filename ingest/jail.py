"""What the parser's process may not do: reach a network, read other files, start other programs.

A hostile document may turn a parser's library against us. Three walls, from the outside in: a
network namespace without interfaces, Linux's Landlock on files (it binds the programs that are
started, too), and Python's audit hook, which holds wherever the first two are missing.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.sandbox.confine import lower_session_priority

_PROGRAMS = frozenset({"tesseract", "pandoc", "soffice"})
SOCKETS = "/tmp"  # noqa: S108 - where LibreOffice has its socket, whatever it is told
_NICENESS = 10
_LARGEST_FILE = 2 * 1024**3

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_RULE_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE_FILE, _REMOVE_DIR, _MAKE_SOCKET = 1 << 1, 1 << 4, 1 << 9
_ALL = (1 << 13) - 1  # every right of Landlock's first version
_FILE_ONLY = _EXECUTE | _READ_FILE | _WRITE_FILE

_NETWORK_EVENTS = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.")
_START_EVENTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")
_SYSTEM_PATHS = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/etc/libreoffice",
    "/var/spool/libreoffice",
    "/etc/mime.types",
    "/etc/localtime",
    "/etc/alternatives",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/filesystems",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/fs/cgroup",
)


class Refused(PermissionError):
    """The document made its parser reach for something outside its job."""


def enter(workplace: Path, memory_bytes: int) -> None:
    """Shut the calling process in, for good; only ``workplace`` stays writable.

    Call before any thread is started. ``memory_bytes`` bounds the address space.
    """
    os.nice(_NICENESS)
    lower_session_priority(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    readable = _readable_paths()
    if sys.platform == "linux":
        _leave_network()
        _restrict_files(readable, workplace)
    _hook([*readable, str(workplace.resolve())])


def _readable_paths() -> list[str]:
    """Return where the code and the data of this program's libraries lie."""
    packages = [find_spec(name) for name in ("ingest", "core")]
    own = [str(Path(spec.origin).parent) for spec in packages if spec and spec.origin]
    paths = [*_SYSTEM_PATHS, sys.prefix, sys.base_prefix, *own]
    paths += [path for path in sys.path if path.endswith("-packages") or path.endswith(".zip")]
    return [os.path.realpath(path) for path in dict.fromkeys(paths) if Path(path).exists()]


def _leave_network() -> None:
    """Move to an empty network namespace; where that is not allowed, the other walls remain."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        return
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def _restrict_files(readable: list[str], workplace: Path) -> None:
    """Have the kernel allow reading ``readable`` and everything in ``workplace``, nothing else."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = _Ruleset(_ALL)
    ruleset = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    if ruleset < 0:
        return  # a kernel without Landlock
    try:
        for path in readable:
            _allow(libc, ruleset, path, _READ)
        _allow(libc, ruleset, "/dev/null", _READ_FILE | _WRITE_FILE)
        _allow(libc, ruleset, str(workplace), _ALL)
        _allow(libc, ruleset, str(workplace.parent), _REMOVE_DIR)  # itself, once it is empty
        if Path(SOCKETS).is_dir():
            _allow(libc, ruleset, SOCKETS, _MAKE_SOCKET)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) != 0:
            raise OSError(ctypes.get_errno(), "Landlock refused the rules")
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = rights if Path(path).is_dir() else rights & _FILE_ONLY
        rule = _PathBeneath(allowed, handle)
        if libc.syscall(_LANDLOCK_ADD, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0) != 0:
            raise OSError(ctypes.get_errno(), f"Landlock refused the rule for {path}")
    finally:
        os.close(handle)


def _hook(allowed: list[str]) -> None:
    roots = tuple(path.rstrip("/") for path in allowed)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            _check_open(arguments[0], roots)
        elif event == "subprocess.Popen":
            _check_program(arguments[0])
        elif event.startswith(_NETWORK_EVENTS):
            raise Refused(f"The document made its parser use the network ({event}).")
        elif event in _START_EVENTS:
            raise Refused(f"The document made its parser start a process ({event}).")

    sys.addaudithook(audit)


def _check_open(target: Any, roots: tuple[str, ...]) -> None:
    if not isinstance(target, str | bytes):
        return
    path = os.path.realpath(os.fsdecode(target))
    if not any(path == root or path.startswith(root + "/") for root in roots):
        raise Refused("The document made its parser open a file that is not its own.")


def _check_program(program: Any) -> None:
    name = Path(os.fsdecode(program)).name if isinstance(program, str | bytes) else str(program)
    if name not in _PROGRAMS:
        raise Refused(f"The document made its parser start the program {name!r}.")

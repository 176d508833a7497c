"""Bounds the system calls of this process by seccomp, with the standard library alone.

What is not listed fails with EACCES: starting processes and threads, sockets, signals, directories,
links, device files, owners, modes and times of files, mounts, tracing, and all that is newer.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER, _FLAG_ALL_THREADS = 1, 1
# linux/audit.h and asm/unistd.h: the architecture, its place in the pairs below, its seccomp call
_ARCHITECTURES = {"x86_64": (0xC000003E, 0, 317), "aarch64": (0xC00000B7, 1, 277)}
# linux/bpf_common.h and linux/seccomp.h
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
# By EACCES CPython knows that a call is refused, and does without where it can.
_ALLOW, _KILL, _FAIL_WITH_EACCES = 0x7FFF0000, 0x80000000, 0x0005000D

# Numbers on x86_64 and aarch64; None where the architecture has no such call.
_ALLOWED: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "msync": (26, 227),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "sendfile": (40, 71),
    "copy_file_range": (326, 285),
    "dup": (32, 23),
    "fcntl": (72, 25),
    "flock": (73, 32),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "fadvise64": (221, 223),
    "open": (2, None),
    "stat": (4, None),
    "lstat": (6, None),
    "access": (21, None),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "rename": (82, None),
    "unlink": (87, None),
    "readlink": (89, None),
    "openat": (257, 56),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlinkat": (267, 78),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "times": (100, 153),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pselect6": (270, 72),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "epoll_ctl": (233, 21),
    "getrandom": (318, 278),
    "exit": (60, 93),
    "exit_group": (231, 94),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_supported() -> bool:
    """Whether this kernel and machine can bound the calls of a process."""
    has_seccomp = os.path.exists("/proc/sys/kernel/seccomp/actions_avail")  # noqa: PTH110
    return has_seccomp and platform.machine() in _ARCHITECTURES


def confine() -> None:
    """Allow this process, and all its threads, the listed calls alone, for good."""
    architecture, place, seccomp = _ARCHITECTURES[platform.machine()]
    numbers = [pair[place] for pair in _ALLOWED.values()]
    code = _build_filter(architecture, [number for number in numbers if number is not None])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    program = _Program(len(code) // 8, code)
    if libc.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _FLAG_ALL_THREADS, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "seccomp refused the filter")


def _build_filter(architecture: int, numbers: list[int]) -> bytes:
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        # To the last step, past those that follow and the refusal.
        *((_JUMP_IF_EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)),
        (_RETURN, 0, 0, _FAIL_WITH_EACCES),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)

